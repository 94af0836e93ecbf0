"""The info protocol: lines of text that ask a node about itself and its cluster, and its answers.

Pure functions. What they read came from a server, or from something that only looks like one, so each either
returns what the protocol promises or raises: `ProtocolError` for text that no server would send,
`ServerError` for an error that the server reports. Which commands are sent, and when, is decided in `tend`,
`probe` and `seeds`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspike._wire import PROTO_VERSION, TYPE_INFO
from pyspike.errors import InvalidArgument, ProtocolError, SecurityError, ServerError, from_code
from pyspike.hosts import Host

__all__ = [
    "Peer",
    "Peers",
    "check",
    "decode",
    "encode",
    "parse_build",
    "parse_generation",
    "parse_node_name",
    "parse_peers",
    "parse_replicas",
    "parse_services",
    "user_agent",
]

HEADER = PROTO_VERSION << 56 | TYPE_INFO << 48  # of a frame with an empty body
MAX_REGIME = 0xFFFFFFFF
MAX_NODE_NAME = 32
MAX_AGENT = 60  # bytes before base64; the server refuses more than about 87 after it

# The code's own advice is about commands on records.
_ADVICE = (
    "this is a node's answer to an info command: see how its version spells the command and its parameters"
)

_UDF_ERROR = 100
_UNSURE = 1  # the code of an error that comes without one


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node, as a node describes it; without hosts it is about to leave.

    The first `alternates` of its hosts are alternate addresses. If logins are done over TLS, and all else is
    not, its hosts are those without TLS, and `logins` those with it.
    """

    name: str
    tls_name: str | None
    hosts: tuple[Host, ...]
    alternates: int = 0
    logins: tuple[Host, ...] = ()


@dataclass(frozen=True, slots=True)
class Peers:
    """A node's answer to a peers command."""

    generation: int
    peers: tuple[Peer, ...]

    def named(self, tls_name: str | None) -> Peers:
        """The same peers, all with this TLS name."""
        hosts = [tuple(replace(host, tls_name=tls_name) for host in peer.hosts) for peer in self.peers]
        peers = [Peer(peer.name, tls_name, own) for peer, own in zip(self.peers, hosts, strict=True)]
        return Peers(self.generation, tuple(peers))


# Messages ---------------------------------------------------------------------------------------------------


def encode(commands: Sequence[str]) -> bytes:
    """The whole message, header included, that asks for these commands, each of them a line of text."""
    body = "".join(f"{command}\n" for command in commands).encode()
    return (HEADER | len(body)).to_bytes(8, "big") + body


def decode(body: bytes) -> dict[str, str]:
    """The answer's values by command, in the order in which they came. Each may be an error: see `check`.

    Raises:
        ServerError: the server answered the request as a whole with an error (code 80: not authenticated).
        ProtocolError: the text is no answer.
    """
    if not body:
        return {}
    text = body.decode("utf-8", "backslashreplace")
    if not text.endswith("\n"):
        raise ProtocolError(f"an info answer that breaks off: {_shown(text[-80:])}")
    values = {}
    for line in text[:-1].split("\n"):
        command, tab, value = line.partition("\t")
        if not tab:
            check(line)
            raise ProtocolError(f"a line without a value in an info answer: {_shown(line)}")
        values[command] = value
    return values


def check(value: str) -> str:
    """The value, unless it is one of the forms in which a server reports an error.

    Raises:
        ServerError: with the server's code and words.
    """
    word, colon, rest = value.partition(":")
    if colon and word.upper() in ("ERROR", "FAIL"):
        digits, _, text = rest.partition(":")
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            digits, text = "", rest
        raise _told(int(digits or 0) or _UNSURE, text)
    if value.startswith("error="):
        raise _udf_error(value)
    return value


def _told(code: int, words: str) -> ServerError:
    """The error that a value tells of."""
    error = from_code(code, words)
    if not isinstance(error, SecurityError):  # whose advice holds for all commands
        error.advice = _ADVICE
    return error


def _udf_error(value: str) -> ServerError:
    """The error that a value such as `error=compile_error;file=a.lua;line=1;message=<base64>` tells of.

    If there is no message, the words are what stands after `error=`.
    """
    fields = {name: text for name, _, text in (field.partition("=") for field in value.split(";"))}
    message = fields.get("message")
    if not message:
        return from_code(_UDF_ERROR, fields["error"], advice=_ADVICE)
    with contextlib.suppress(binascii.Error, ValueError):
        message = base64.b64decode(message, validate=True).decode("utf-8", "backslashreplace")
    place = [fields[name] for name in ("file", "line") if fields.get(name)]
    error = from_code(_UDF_ERROR, ":".join(place) + f": {message}" if place else message)
    if not place:  # no code of the user's failed, and the server says itself what is wrong
        error.advice = ""
    return error


def value_of(values: dict[str, str], command: str) -> str:
    """The checked value of one command.

    Raises:
        ServerError: it is an error.
        ProtocolError: the answer has no such line.
    """
    value = values.get(command)
    if value is None:
        raise ProtocolError(f"no answer to the info command {command!r}")
    return check(value)


# Values -----------------------------------------------------------------------------------------------------


def parse_node_name(value: str) -> str:
    """A node's name, such as `BB9020011AC4202`."""
    if not (0 < len(value) <= MAX_NODE_NAME and value.isascii() and value.isalnum()):
        raise ProtocolError(f"{_shown(value)} can't be the name of a node")
    return value


def parse_generation(value: str) -> int:
    """A generation counter; -1 says that the node is not ready."""
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ProtocolError(f"{_shown(value)} is no generation")
    return int(value)


def parse_build(value: str) -> tuple[int, ...]:
    """The numbers of a server version: `8.1.2.0-rc1` is (8, 1, 2, 0)."""
    numbers = value.partition("-")[0].partition("_")[0].split(".")
    if not 2 <= len(numbers) <= 8 or not all(n.isascii() and n.isdigit() and len(n) < 10 for n in numbers):
        raise ProtocolError(f"{_shown(value)} is no server version")
    return tuple(int(number) for number in numbers)


def parse_services(value: str, *, default_port: int = 3000) -> tuple[Host, ...]:
    """The hosts in a comma list such as `10.0.0.1:3000,[::1]:3000`; none in an empty one."""
    if not value:
        return ()
    return tuple(_host(piece, default_port, None) for piece in value.split(","))


def parse_peers(value: str) -> Peers:
    """A peers value: `generation,default port,[[name,tls name,[host:port,...]],...]`."""
    generation, _, rest = value.partition(",")
    port, comma, listing = rest.partition(",")
    default_port = _port(port) if port else 3000
    if not comma or not (listing.startswith("[") and listing.endswith("]")) or len(listing) < 2:
        raise ProtocolError(f"not a list of peers: {_shown(value)}")
    peers: list[Peer] = []
    at, end = 1, len(listing) - 1
    while at < end:
        if peers:
            at = _expect(listing, at, ",")
        at = _expect(listing, at, "[")
        name, at = _until(listing, at, ",")
        tls_name, at = _until(listing, at, ",")
        hosts: tuple[Host, ...] = ()
        if listing[at : at + 1] == "[":
            stop = _closing(listing, at)
            pieces = listing[at + 1 : stop].split(",") if stop > at + 1 else []
            hosts = tuple(_host(piece, default_port, tls_name or None) for piece in pieces)
            at = stop + 1
        at = _expect(listing, at, "]")
        peers.append(Peer(parse_node_name(name), tls_name or None, hosts))
    if at != end:
        raise ProtocolError(f"not a list of peers: {_shown(value)}")
    return Peers(parse_generation(generation), tuple(peers))


def parse_replicas(value: str) -> tuple[tuple[str, int, tuple[bytes, ...]], ...]:
    """A replicas value, as (namespace, regime, bitmaps); bitmap c has those it holds as replica c.

    Whether bitmaps have the right size is for the `PartitionMap` to say.
    """
    found: dict[str, tuple[str, int, tuple[bytes, ...]]] = {}
    for piece in value.split(";") if value else ():
        namespace, colon, rest = piece.partition(":")
        regime, count, *bitmaps = rest.split(",") if rest.count(",") else ("", "")
        if not colon or not namespace or namespace in found:
            raise ProtocolError(f"not the replicas of a namespace: {_shown(piece)}")
        number = parse_generation(regime)
        if not 0 <= number <= MAX_REGIME:
            raise ProtocolError(f"{_shown(regime)} is no regime, in namespace {namespace}")
        if parse_generation(count) != len(bitmaps):
            raise ProtocolError(f"namespace {namespace} has {len(bitmaps)} bitmaps, not {_shown(count)}")
        found[namespace] = (namespace, number, tuple(_bitmap(bitmap, namespace) for bitmap in bitmaps))
    return tuple(found.values())


def parse_racks(value: str) -> dict[str, int]:
    """A rack-ids value, `namespace:rack;...`: the node's rack in each namespace."""
    found: dict[str, int] = {}
    for piece in value.split(";") if value else ():
        namespace, colon, rack = piece.rpartition(":")
        if not colon or not namespace or namespace in found:
            raise ProtocolError(f"not the rack of a namespace: {_shown(piece)}")
        found[namespace] = parse_generation(rack)
    return found


def user_agent(version: str, application: str | None) -> str:
    """The command that tells a server who is asking."""
    text = f"1,pyspike-{version},{application or 'not-set'}".replace("\n", " ").encode()[:MAX_AGENT]
    text = text.decode("utf-8", "ignore").encode()  # not half a character at the end
    return f"user-agent-set:value={base64.b64encode(text).decode()}"


# Pieces -----------------------------------------------------------------------------------------------------


def _shown(text: str) -> str:
    """Text in a message: what came from a server may be long."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _expect(text: str, at: int, wanted: str) -> int:
    if text[at : at + 1] != wanted:
        raise ProtocolError(f"{wanted!r} is missing in a list of peers at {_shown(text[at:])}")
    return at + 1


def _until(text: str, at: int, stop: str) -> tuple[str, int]:
    """What stands up to `stop`, and the place behind it."""
    end = text.find(stop, at)
    if end < 0:
        raise ProtocolError(f"{stop!r} is missing in a list of peers at {_shown(text[at:])}")
    return text[at:end], end + 1


def _closing(text: str, at: int) -> int:
    """The place of the bracket that closes the one at `at`; IPv6 addresses have brackets of their own."""
    depth = 0
    for place in range(at, len(text)):
        if text[place] == "[":
            depth += 1
        elif text[place] == "]":
            depth -= 1
            if depth == 0:
                return place
    raise ProtocolError(f"']' is missing in a list of peers at {_shown(text[at:])}")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535):
        raise ProtocolError(f"{_shown(text)} is no port")
    return int(text)


def _host(text: str, default_port: int, tls_name: str | None) -> Host:
    if text.startswith("["):
        name, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ProtocolError(f"{_shown(text)} is no address")
        port = rest[1:]
    else:
        name, _, port = text.partition(":")
    try:
        return Host(name, _port(port) if port else default_port, tls_name)
    except InvalidArgument as error:
        raise ProtocolError(f"{_shown(text)} is no address: {error.message}") from None


def _bitmap(text: str, namespace: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError(f"a partition bitmap of {namespace} is not base64: {_shown(text)}") from None
