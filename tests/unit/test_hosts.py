from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.errors import AerospikeError, InvalidArgument, InvalidType
from pyspike.hosts import DEFAULT_PORT, Host, parse_hosts

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
ADDRESSES = st.ip_addresses().map(str)
HOSTS = st.builds(
    Host,
    NAMES | ADDRESSES,
    st.integers(1, 65535),
    st.none() | st.from_regex(r"[a-z]([a-z0-9.-]{0,9}[a-z])?", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("localhost", [Host("localhost", 3000)]),
        ("127.0.0.1:3100", [Host("127.0.0.1", 3100)]),
        ("a:3000,b:3001", [Host("a", 3000), Host("b", 3001)]),
        (" a , b:3001 ", [Host("a", 3000), Host("b", 3001)]),
        ("a:tls-name:4333", [Host("a", 4333, "tls-name")]),
        ("[::1]", [Host("::1", 3000)]),
        ("[::1]:3100", [Host("::1", 3100)]),
        ("[2001:db8::1]:tls-name:4333,b", [Host("2001:db8::1", 4333, "tls-name"), Host("b", 3000)]),
        ("[fe80::1%eth0]:3100", [Host("fe80::1%eth0", 3100)]),
    ],
)
def test_a_text_names_hosts(text, hosts):
    assert parse_hosts(text) == tuple(hosts)


@pytest.mark.parametrize(
    "hosts",
    [
        [Host("a", 3000), Host("b", 3001, "tls")],
        [("a",), ("b", 3001, "tls")],
        [("a", 3000), ("b", 3001, "tls")],
        [("a", 3000, None), "b:tls:3001"],
        ["a", Host("b", 3001, "tls")],
        ("a:3000", "b:tls:3001"),
        ["a,b:tls:3001"],
    ],
)
def test_a_list_may_hold_hosts_texts_and_tuples(hosts):
    assert parse_hosts(hosts) == (Host("a", 3000), Host("b", 3001, "tls"))


def test_a_single_host_needs_no_list():
    assert parse_hosts(Host("a")) == (Host("a", DEFAULT_PORT),)


def test_a_host_named_twice_counts_once_in_its_first_place():
    assert parse_hosts("b,a:3000,b:3000,a") == (Host("b"), Host("a"))


@given(st.lists(HOSTS, min_size=1, unique=True))
def test_hosts_written_as_text_are_read_as_the_same_hosts(hosts):
    assert parse_hosts(",".join(map(str, hosts))) == tuple(hosts)


@given(st.text(alphabet="ab01:[],./% \n-", max_size=20) | st.text(max_size=20))
def test_any_text_names_hosts_or_is_refused_as_an_invalid_argument(text):
    try:
        hosts = parse_hosts(text)
    except InvalidArgument:
        return
    assert parse_hosts(list(map(str, hosts))) == hosts


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("", "''"),
        ("a:3000,", "'a:3000,'"),
        ("a:port", "'port' in 'a:port'"),
        ("a,b:3000:tls", "'tls' in 'b:3000:tls'"),
        ("a:0", "not 0"),
        ("a:65536", "not 65536"),
        ("a:-1", "'-1' in 'a:-1'"),
        ("a:३०००", "'३०००'"),
        ("a:", "'a:'"),
        (":3000", "':3000'"),
        ("a:b:c:3000", "'a:b:c:3000'"),
        ("::1", "'::1'"),
        ("2001:db8::1", "'2001:db8::1'"),
        ("[::1", r"'\[::1'"),
        ("[::1]3000", r"'\[::1\]3000'"),
        ("[]:3000", r"'\[\]:3000'"),
        ("[localhost]:3000", r"'\[localhost\]:3000'"),
        ("http://a:3000", "'http://a:3000' is a URL"),
        ("a b:3000", "'a b:3000'"),
        ("a/b", "'a/b'"),
    ],
)
def test_a_bad_piece_is_named(text, piece):
    with pytest.raises(InvalidArgument, match=piece):
        parse_hosts(text)


@pytest.mark.parametrize(
    "hosts",
    [None, 3000, b"a:3000", {"a": 3000}, [None], [3000], ["a", 3000], ("a", 3000), [()], [("a", 1, "t", 2)]],
)
def test_what_is_no_host_is_refused_by_type(hosts):
    with pytest.raises(InvalidType, match="host"):
        parse_hosts(hosts)


def test_a_tuple_without_its_list_gets_advice():
    with pytest.raises(InvalidType) as caught:
        parse_hosts(("a", 3000))
    assert "several are a list" in caught.value.advice


def test_an_empty_list_is_refused():
    with pytest.raises(InvalidArgument, match="no host was given"):
        parse_hosts([])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((None,), InvalidType),
        ((b"a",), InvalidType),
        (("",), InvalidArgument),
        (("a", "3000"), InvalidType),
        (("a", True), InvalidType),
        (("a", 0), InvalidArgument),
        (("a", 65536), InvalidArgument),
        (("a", 3000, 5), InvalidType),
        (("a", 3000, ""), InvalidArgument),
        (("a", 3000, "x:y"), InvalidArgument),
    ],
)
def test_a_host_is_checked_when_it_is_made(values, kind):
    with pytest.raises(AerospikeError) as caught:
        Host(*values)
    assert type(caught.value) is kind


def test_hosts_are_values():
    host = Host("::1", 3100, "tls")
    assert pickle.loads(pickle.dumps(host)) == host
    assert len({host, Host("::1", 3100, "tls"), Host("::1", 3100)}) == 2
