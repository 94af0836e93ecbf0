"""What a URL of a cluster and the environment mean, and that neither gives a password away."""

from __future__ import annotations

import traceback
from dataclasses import fields
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyspike import (
    AerospikeError,
    AuthMode,
    ClientPolicy,
    ConfigProvider,
    Host,
    InvalidArgument,
    InvalidType,
    QueryPolicy,
    ReadPolicy,
    Replica,
    TLSPolicy,
    WritePolicy,
)
from pyspike.policy import ReadTouchTTL, RecordExistsAction
from pyspike.url import option_names, parse_environment, parse_url
from support.all_of import all_of

PLAIN = ClientPolicy()


def options(text: str, policy: ClientPolicy = PLAIN, scheme: str = "aerospike") -> ClientPolicy:
    """The policy that the options of a URL mean."""
    return parse_url(f"{scheme}://a?{text}", policy).policy


def test_the_parts_of_a_url() -> None:
    url = "aerospike://ann:se%40cret@a,b:3100,[::1]:4000/test?timeout=200"
    hosts, policy, namespace = parse_url(url, PLAIN)
    assert hosts == (Host("a"), Host("b", 3100), Host("::1", 4000))
    assert policy == ClientPolicy(user="ann", password="se@cret", timeout=200)
    assert namespace == "test"


@all_of("url", ["aerospike://a", "aerospike://a/", "aerospike://a?", "AEROSPIKE://a/?"])
def test_what_is_not_said_is_that_of_the_policy(url: str) -> None:
    policy = ClientPolicy(user="ann", password="x", timeout=7)
    assert parse_url(url, policy) == ((Host("a"),), policy, None)


SAID = [
    ("timeout=200", ClientPolicy(timeout=200)),
    ("tend_interval=250.5", ClientPolicy(tend_interval=250.5)),
    ("max_conns_per_node=9", ClientPolicy(max_conns_per_node=9)),
    ("fail_if_not_connected=false&use_services_alternate=true",
     ClientPolicy(fail_if_not_connected=False, use_services_alternate=True)),
    ("cluster_name=none", ClientPolicy(cluster_name="none")),
    ("application_id=my%20shop%26co", ClientPolicy(application_id="my shop&co")),
    ("rack_ids=3,1&read.replica=prefer-rack",
     ClientPolicy(rack_ids=[3, 1], read=ReadPolicy(replica=Replica.PREFER_RACK))),
    ("ip_map=172.17.0.2=10.0.0.2,172.17.0.3=10.0.0.3",
     ClientPolicy(ip_map={"172.17.0.2": "10.0.0.2", "172.17.0.3": "10.0.0.3"})),
    ("read.total_timeout=200&read.read_touch_ttl=dont_reset&read.socket_timeout=50",
     ClientPolicy(
         read=ReadPolicy(total_timeout=200, socket_timeout=50, read_touch_ttl=ReadTouchTTL.DONT_RESET))),
    ("read.read_touch_ttl=80", ClientPolicy(read=ReadPolicy(read_touch_ttl=80))),
    ("write.record_exists_action=REPLACE&write.expiration=60&write.send_key=true", ClientPolicy(
        write=WritePolicy(record_exists_action=RecordExistsAction.REPLACE, expiration=60, send_key=True))),
    ("query.max_records=5", ClientPolicy(query=QueryPolicy(max_records=5))),
    ("config_provider.path=/etc/a.yaml&config_provider.interval=5000",
     ClientPolicy(config_provider=ConfigProvider("/etc/a.yaml", 5000))),
]  # fmt: skip


@all_of("said", SAID)
def test_an_option_is_a_field_of_the_policy(said: tuple[str, ClientPolicy]) -> None:
    text, policy = said
    assert options(text) == policy


def test_options_win_over_the_policy_and_leave_what_they_do_not_name() -> None:
    policy = ClientPolicy(timeout=7, max_waiting_per_node=3, read=ReadPolicy(total_timeout=5, max_retries=9))
    found = options("timeout=8&read.total_timeout=6&max_waiting_per_node=none", policy)
    assert found == ClientPolicy(timeout=8, read=ReadPolicy(total_timeout=6, max_retries=9))


def test_a_url_can_say_all_fields_but_those_that_are_no_text() -> None:
    whole = {name.partition(".")[0] for name in option_names()} | {"user", "password"}
    assert whole == {entry.name for entry in fields(ClientPolicy)} - {"codecs"}
    inner = {f"{kind}.{entry.name}" for kind in ("read", "write", "batch", "query", "tls")
             for entry in fields(type(getattr(PLAIN, kind) or TLSPolicy()))}  # fmt: skip
    filters = {f"{kind}.filter_expression" for kind in ("read", "write", "batch", "query")}
    assert inner - option_names() == filters


def test_over_tls_a_host_has_to_be_who_the_url_calls_it() -> None:
    address = parse_url("aerospikes://db.example:4333,10.0.0.1:own:4333", PLAIN)
    assert [host.tls_name for host in address.hosts] == ["db.example", "own"]
    assert address.policy.tls == TLSPolicy()
    given = TLSPolicy(ca_file="ca.pem", ciphers="ECDHE")
    assert options("tls.ca_file=other.pem", ClientPolicy(tls=given), "aerospikes").tls == given.replace(
        ca_file="other.pem"
    )
    # What the policy has is not taken away.
    assert parse_url("aerospike://a", ClientPolicy(tls=given)).policy.tls == given
    several = options(
        "tls.protocols=TLSv1.2,TLSv1.3&tls.key_password=x&tls.certificate_file=c", scheme="aerospikes"
    )
    assert several.tls == TLSPolicy(protocols=("TLSv1.2", "TLSv1.3"), key_password="x", certificate_file="c")
    pki = options("auth_mode=pki&tls.certificate_file=c", scheme="aerospikes")
    assert pki.auth_mode is AuthMode.PKI


REFUSED = [
    ("", "begins with aerospike:// or aerospikes://"),
    ("a:3000", "begins with aerospike://"),
    ("http://a", "not with http://"),
    ("aerospike://", "a host is missing"),
    ("aerospike://a,,b", "a host is missing"),
    ("aerospike://a:x", "'x' in 'a:x' is no port"),
    ("aerospike://@a", "no user in front of its @"),
    ("aerospike://:pw@a", "no user in front of its @"),
    ("aerospike://a/test/users", "is no namespace"),
    ("aerospike://a#b", "a # where there can be none"),
    ("aerospike://a?timeout", "'timeout' of the URL has no value"),
    ("aerospike://a?timeout=1&timeout=2", "'timeout' stands twice"),
    ("aerospike://a?timeout=", "timeout of the URL can't be ''"),
    ("aerospike://a?timeout=1s", "a number of milliseconds"),
    ("aerospike://a?timeout=nan", "a number of milliseconds"),
    ("aerospike://a?timeout=0", "ClientPolicy.timeout"),
    ("aerospike://a?max_conns_per_node=1.5", "it is a whole number"),
    ("aerospike://a?max_waiting_per_node=x", "it is a whole number or none"),
    ("aerospike://a?fail_if_not_connected=1", "it is true or false"),
    ("aerospike://a?read.replica=nearest", "it is one of master, sequence"),
    ("aerospike://a?ip_map=10.0.0.1", "it is pairs such as"),
    ("aerospike://a?timeuot=1", "no option 'timeuot'.*did you mean timeout?"),
    ("aerospike://a?total_timeout=1", "did you mean .*read.total_timeout or .*write.total_timeout"),
    ("aerospike://a?read=1", "no option 'read'.*read.total_timeout"),
    ("aerospike://a?timeout.x=1", "no option 'timeout.x'"),
    ("aerospike://a?read.filter_expression=x", "no option 'read.filter_expression'"),
    ("aerospike://a?x=1", "the name of a field of ClientPolicy"),
    ("aerospike://a?user=ann", "user is no option of a URL"),
    ("aerospike://a?password=secret", "password is no option of a URL"),
    ("aerospike://a?config_provider.interval=5", "no config_provider.path"),
    ("aerospike://a?tls.ca_file=x", "begin it with aerospikes://"),
    ("aerospike://ann@a", "no password for the user 'ann'"),
    ("aerospike://ann:@a", "no password for the user 'ann'"),
    ("aerospike://%ff:x@a", "the user in the URL is no UTF-8"),
    ("aerospike://ann:%ff@a", "the password in the URL is no UTF-8"),
    ("aerospike://ann:x@a?auth_mode=external", "needs TLS"),
]


@all_of("refused", REFUSED)
def test_what_can_not_be_meant_is_refused(refused: tuple[str, str]) -> None:
    url, words = refused
    with pytest.raises(InvalidArgument, match=f"(?s){words}") as caught:
        parse_url(url, PLAIN)
    assert "secret" not in str(caught.value)


def test_an_ssl_context_can_not_be_changed_by_options() -> None:
    import ssl

    context = ssl.create_default_context()
    with pytest.raises(InvalidArgument, match=r"options of tls, which is"):
        options("tls.ca_file=x", ClientPolicy(tls=context), "aerospikes")
    assert options("", ClientPolicy(tls=context), "aerospikes").tls is context


def test_the_advice_about_a_password_is_for_what_reads_it() -> None:
    with pytest.raises(InvalidArgument) as of_url:
        parse_url("aerospike://ann@a", PLAIN)
    assert of_url.value.advice == (
        "give it as the argument password or as user:password@host; from_env reads PYSPIKE_PASSWORD"
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"URL": "aerospike://ann@a", "HOSTS": "", "USER": "", "PASSWORD": ""}.items():
            patch.setenv(f"PYSPIKE_{name}", value)
        with pytest.raises(InvalidArgument) as of_environment:
            parse_environment(PLAIN)
    assert of_environment.value.advice == "set PYSPIKE_PASSWORD"


@all_of("url", [None, b"aerospike://ann:secret@a", ["aerospike://ann:secret@a"]])
def test_a_url_is_text(url: object) -> None:
    with pytest.raises(InvalidType) as caught:
        parse_url(url, PLAIN)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_password_comes_by_an_argument_too() -> None:
    assert parse_url("aerospike://ann@a", PLAIN, "x").policy == ClientPolicy(user="ann", password="x")
    known = ClientPolicy(user="ann", password="y")
    assert parse_url("aerospike://ann@a", known).policy == known
    for url, words in [("aerospike://ann:x@a", "another one"), ("aerospike://a", "no user"),
                       ("aerospike://bob@a", "no password for the user 'bob'")]:  # fmt: skip
        with pytest.raises(InvalidArgument, match=words):
            parse_url(url, known, None if "bob" in url else "x")


# Each has letters that no message has by chance.
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4).map("Q7%s7Q".__mod__)
ENDS = ["a:3000", "a:x", "a/n/o", "a?x=1", "a?timeout=x", ",", "a#f", "", "a?password=x", "a b"]


@given(secret=SECRETS, end=st.sampled_from(ENDS), encoded=st.booleans())
@example(secret="Q7/#?@:%", end="a", encoded=False)
@example(secret="Q7/3000:@", end="a", encoded=False)
def test_no_error_and_no_repr_shows_a_password(secret: str, end: str, encoded: bool) -> None:
    written = quote(secret, safe="") if encoded else secret
    try:
        address = parse_url(f"aerospike://ann:{written}@{end}", PLAIN)
    except AerospikeError as error:
        told = "".join(traceback.format_exception(error)) + repr(error)
    else:
        told = repr(address)
        assert not encoded or address.policy.password == secret
    assert "Q7" not in told


# --- the environment ---


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("URL", "HOSTS", "USER", "PASSWORD", "TLS_KEY_PASSWORD"):
        monkeypatch.setenv(f"PYSPIKE_{name}", "")
    return monkeypatch


FROM_ENVIRONMENT = [
    ({"HOSTS": "a,b:3100"}, ClientPolicy(timeout=7)),
    ({"URL": "aerospike://a,b:3100/test?timeout=8"}, ClientPolicy(timeout=8)),
    ({"HOSTS": "a,b:3100", "USER": "ann", "PASSWORD": "x"},
     ClientPolicy(timeout=7, user="ann", password="x")),
    ({"URL": "aerospike://ann@a,b:3100", "PASSWORD": "x"}, ClientPolicy(timeout=7, user="ann", password="x")),
    ({"URL": "aerospike://a,b:3100", "USER": "ann", "PASSWORD": "x"},
     ClientPolicy(timeout=7, user="ann", password="x")),
    ({"URL": "aerospike://ann:y@a,b:3100", "USER": "ann", "PASSWORD": "x"},
     ClientPolicy(timeout=7, user="ann", password="y")),
    ({"HOSTS": "a,b:3100", "PASSWORD": "x"}, ClientPolicy(timeout=7)),
]  # fmt: skip


@all_of("case", FROM_ENVIRONMENT)
def test_the_environment_says_where_the_cluster_is(case: tuple[dict[str, str], ClientPolicy]) -> None:
    variables, policy = case
    with pytest.MonkeyPatch.context() as patch:
        for name in ("URL", "HOSTS", "USER", "PASSWORD", "TLS_KEY_PASSWORD"):
            patch.setenv(f"PYSPIKE_{name}", variables.get(name, ""))
        address = parse_environment(ClientPolicy(timeout=7))
    assert address.hosts == (Host("a"), Host("b", 3100))
    assert address.policy == policy


def test_the_password_of_a_key_is_in_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PYSPIKE_TLS_KEY_PASSWORD", "k")
    environment.setenv("PYSPIKE_URL", "aerospikes://a?tls.certificate_file=c")
    found = parse_environment(PLAIN)
    assert found.policy.tls == TLSPolicy(certificate_file="c", key_password="k")
    assert found.hosts == (Host("a", tls_name="a"),)
    environment.setenv("PYSPIKE_URL", "aerospikes://a")
    assert parse_environment(PLAIN).policy.tls == TLSPolicy()


@all_of(
    "case",
    [
        ({}, "neither PYSPIKE_URL nor PYSPIKE_HOSTS is set"),
        ({"URL": "aerospike://a", "HOSTS": "a"}, "both PYSPIKE_URL and PYSPIKE_HOSTS are set"),
        ({"URL": "aerospike://ann:secret@a", "USER": "bob"}, "two different users"),
        ({"HOSTS": "a", "USER": "bob"}, "no password for the user 'bob'"),
    ],
)
def test_an_environment_that_says_nothing_or_too_much_is_refused(case: tuple[dict[str, str], str]) -> None:
    variables, words = case
    with pytest.MonkeyPatch.context() as patch:
        for name in ("URL", "HOSTS", "USER", "PASSWORD", "TLS_KEY_PASSWORD"):
            patch.setenv(f"PYSPIKE_{name}", variables.get(name, ""))
        with pytest.raises(InvalidArgument, match=words) as caught:
            parse_environment(PLAIN)
    assert "secret" not in str(caught.value)
