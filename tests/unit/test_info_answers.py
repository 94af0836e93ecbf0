"""The info protocol against what the official client and a real server said, and against nonsense."""

import base64
import contextlib
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike.cluster import info_answers
from pyspike.errors import (
    EnterpriseOnly,
    NotAuthenticated,
    ProtocolError,
    RequestInvalid,
    ServerError,
    UdfError,
)
from pyspike.hosts import Host
from support.all_of import all_of

VECTORS = Path(__file__).parent.parent / "vectors"
HEADER = 8


def wire(message):
    if isinstance(message, str):
        return bytes.fromhex(message)
    return zlib.decompress(base64.b64decode(message["zlib"]))


def messages(of):
    return [wire(each) for each in (of if isinstance(of, list) else [of])]


CASES = {}
with open(VECTORS / "info.jsonl", encoding="utf-8") as lines:
    for line in lines:
        recorded = json.loads(line)
        CASES[recorded["name"]] = recorded


def exchanges(name):
    case = CASES[name]
    requests, responses = messages(case["request"]), messages(case["response"])
    pairs = case.get("exchanges") or [{"request": i, "responses": [i]} for i in range(len(requests))]
    return [(requests[p["request"]], [responses[r] for r in p["responses"]], p.get("port")) for p in pairs]


def answers(name):
    """All values of a recorded case, by command; the last one wins."""
    return {
        command: value
        for _, responses, _ in exchanges(name)
        for response in responses
        for command, value in info_answers.decode(response[HEADER:]).items()
    }


def well_formed(request):
    """Whether it is a request that we would send: official helpers may leave the line end out."""
    body = request[HEADER:]
    return body.endswith(b"\n") and b"\n\n" not in body


@all_of("name", CASES)
def test_requests_are_those_of_the_official_client(name):
    for request in filter(well_formed, messages(CASES[name]["request"])):
        commands = request[HEADER:].decode().split("\n")[:-1]
        assert info_answers.encode(commands) == request


@all_of("name", CASES)
def test_every_recorded_answer_is_read(name):
    for request, responses, _ in exchanges(name):
        for response in responses:
            values = info_answers.decode(response[HEADER:])
            if well_formed(request):
                assert list(values) == list(dict.fromkeys(request[HEADER:].decode().split("\n")[:-1]))
            assert "".join(f"{c}\t{v}\n" for c, v in values.items()).encode() == response[HEADER:]


@pytest.mark.parametrize("name", ["single/connect", "cluster/connect", "cluster/connect-and-tend"])
def test_recorded_connects_and_tends_parse(name):
    for _, responses, port in exchanges(name):
        for response in responses:
            for command, value in info_answers.decode(response[HEADER:]).items():
                if command == "node":
                    assert info_answers.parse_node_name(value)[0] in "AB"
                elif command.endswith("-generation"):
                    assert info_answers.parse_generation(value) in (0, 4)
                elif command == "build":
                    assert info_answers.parse_build(value) == (8, 1, 2, 0)
                elif command == "replicas":
                    assert [(ns, regime) for ns, regime, _ in info_answers.parse_replicas(value)] == [
                        ("test", 0),
                        ("bar", 0),
                    ]
                elif command == "peers-clear-std":
                    peers = info_answers.parse_peers(value)
                    ports = {host.port for peer in peers.peers for host in peer.hosts}
                    assert ports == ({4540, 4640, 4740} - {port} if name.startswith("cluster") else set())
                else:
                    assert command.startswith("user-agent-set:value=")
                    assert info_answers.check(value) == "ok"


def test_replicas_give_the_recorded_owners():
    recorded = json.loads((VECTORS / "partition-map.json").read_text())
    names = sorted(recorded["nodes"])
    for index, name in enumerate(names):
        text = recorded["nodes"][name]["replicas"]
        for namespace, regime, bitmaps in info_answers.parse_replicas(text):
            assert regime == 0
            for column, bitmap in enumerate(bitmaps):
                owners = recorded["namespaces"][namespace]["owners"][column]
                held = {pid for pid in range(4096) if bitmap[pid >> 3] & (0x80 >> (pid & 7))}
                assert held == {pid for pid, digit in enumerate(owners) if digit == str(index)}


def test_services_and_peers():
    assert info_answers.parse_services("127.0.0.1:4540,[::1]:3100,db.example") == (
        Host("127.0.0.1", 4540),
        Host("::1", 3100),
        Host("db.example", 3000),
    )
    assert info_answers.parse_services(answers("single/service-clear-std")["service-clear-std"])
    assert info_answers.parse_services("") == ()
    peers = info_answers.parse_peers("7,3000,[[B2,node.tls,[10.0.0.2,[fe80::1]:3001]],[B3,,]]")
    assert peers == info_answers.Peers(
        7,
        (
            info_answers.Peer(
                "B2", "node.tls", (Host("10.0.0.2", 3000, "node.tls"), Host("fe80::1", 3001, "node.tls"))
            ),
            info_answers.Peer("B3", None, ()),
        ),
    )
    assert info_answers.parse_peers("0,3000,[]") == info_answers.Peers(0, ())


@pytest.mark.parametrize(
    ("value", "error", "code", "message"),
    [
        ("ERROR:25:enterprise only", EnterpriseOnly, 25, "enterprise only"),
        ("ERROR:4:'bin' value too long", RequestInvalid, 4, "'bin' value too long"),
        ("ERROR::no code", ServerError, 1, "no code"),
        ("ERROR:no code", ServerError, 1, "no code"),
        ("error:0:none", ServerError, 1, "none"),
        ("FAIL:80:not authenticated", NotAuthenticated, 80, "not authenticated"),
        ("error=not_found", UdfError, 100, "not_found"),
        ("error=compile_error;file=a.lua;line=1;message=aGVyZQ==", UdfError, 100, "a.lua:1: here"),
        ("error=x;message=aGVyZQ==", UdfError, 100, "here"),
        ("error=x;message=%%", UdfError, 100, "%%"),
        ("ERROR:77777:new", ServerError, 77777, "new"),
    ],
)
def test_errors_in_values_are_raised(value, error, code, message):
    with pytest.raises(error) as caught:
        info_answers.check(value)
    assert caught.value.result_code == code
    assert caught.value.message == message
    its_own = code == 80 or "message=" in value  # an error of security, or words of the server's own
    assert ("a node's answer to an info command" in caught.value.advice) is not its_own
    if value.startswith("error=x;"):
        assert caught.value.advice == "", "the words say what is to be done, if anybody knows"


@pytest.mark.parametrize("value", ["ok", "", "errors=0;x=1", "ERRORS:5", "some text: ERROR:4:x", "failed=1"])
def test_values_that_only_look_like_errors_pass(value):
    assert info_answers.check(value) == value


def test_an_error_for_the_whole_request_is_raised():
    with pytest.raises(NotAuthenticated):
        info_answers.decode(b"ERROR:80:not authenticated\n")


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (info_answers.parse_node_name, ""),
        (info_answers.parse_node_name, "A1,B2"),
        (info_answers.parse_node_name, "A" * 33),
        (info_answers.parse_generation, "four"),
        (info_answers.parse_generation, "--1"),
        (info_answers.parse_generation, "9" * 30),
        (info_answers.parse_build, "8"),
        (info_answers.parse_build, "8..1"),
        (info_answers.parse_services, "10.0.0.1:0"),
        (info_answers.parse_services, "10.0.0.1:99999"),
        (info_answers.parse_services, "[::1"),
        (info_answers.parse_services, ","),
        (info_answers.parse_peers, ""),
        (info_answers.parse_peers, "1,3000"),
        (info_answers.parse_peers, "1,3000,["),
        (info_answers.parse_peers, "1,3000,[[B2,,[a]]"),
        (info_answers.parse_peers, "1,3000,[[B2,,[a]],]"),
        (info_answers.parse_peers, "1,3000,[[B2,[a]]]"),
        (info_answers.parse_peers, "x,3000,[]"),
        (info_answers.parse_peers, "1,x,[]"),
        (info_answers.parse_replicas, "test"),
        (info_answers.parse_replicas, "test:0,1"),
        (info_answers.parse_replicas, "test:0,2,AAAA"),
        (info_answers.parse_replicas, f"test:0,1,{'*' * 684}"),
        (info_answers.parse_replicas, f"test:-1,1,{base64.b64encode(bytes(512)).decode()}"),
        (info_answers.parse_replicas, f":0,1,{base64.b64encode(bytes(512)).decode()}"),
        (info_answers.parse_replicas, ";"),
        (info_answers.parse_replicas, "test:0,0;test:0,0"),
    ],
)
def test_nonsense_is_refused(parse, value):
    with pytest.raises(ProtocolError):
        parse(value)


ALPHABET = st.sampled_from([*"AB12,:;[]=-./\t\n é", "ERROR:", "[[A1,,[", "]]", "3000", "test:0,1,"])
GARBAGE = st.one_of(st.text(), st.lists(ALPHABET).map("".join))
PARSERS = [
    info_answers.check,
    info_answers.parse_node_name,
    info_answers.parse_generation,
    info_answers.parse_build,
    info_answers.parse_services,
    info_answers.parse_peers,
    info_answers.parse_replicas,
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(value=GARBAGE)
def test_garbage_never_raises_anything_else(parse, value):
    with contextlib.suppress(ProtocolError, ServerError):
        parse(value)


@given(body=st.one_of(st.binary(), GARBAGE.map(str.encode)))
def test_garbage_bodies_never_raise_anything_else(body):
    with contextlib.suppress(ProtocolError, ServerError):
        values = info_answers.decode(body)
        for command in values:
            info_answers.value_of(values, command)


@given(base=st.sampled_from(sorted(answers("cluster/connect"))), data=st.data())
def test_damaged_recordings_never_raise_anything_else(base, data):
    value = answers("cluster/connect")[base]
    at = data.draw(st.integers(0, len(value)))
    value = value[:at] + data.draw(GARBAGE) + value[at + data.draw(st.integers(0, 5)) :]
    for parse in PARSERS:
        test_garbage_never_raises_anything_else.hypothesis.inner_test(parse, value)


def test_the_user_agent_is_short_and_says_who_asks():
    def text(command):
        return base64.b64decode(command.removeprefix("user-agent-set:value=")).decode()

    assert text(info_answers.user_agent("0.1.0", None)) == "1,pyspike-0.1.0,not-set"
    assert text(info_answers.user_agent("0.1.0", "shop")) == "1,pyspike-0.1.0,shop"
    long = info_answers.user_agent("0.1.0", "ü" * 100)
    assert len(long.removeprefix("user-agent-set:value=")) <= 80
    assert text(long).startswith("1,pyspike-0.1.0,üü")
