"""A cluster in one line of text: `aerospike://user:password@host:3000,host2/test?read.total_timeout=200`.

Owns: what such a URL and the environment may say, and which hosts, policy and namespace that means. What a
field may be is up to the policies. No message shows a password, or a text in which there may be one.
"""

from __future__ import annotations

import contextlib
import difflib
import enum
import os
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote

from pyspike._wire import plain_text
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.hosts import Host, parse_hosts
from pyspike.policy import ClientPolicy, TLSPolicy
from pyspike.showing import shown

__all__ = [
    "HOSTS",
    "KEY_PASSWORD",
    "PASSWORD",
    "URL",
    "USER",
    "Address",
    "option_names",
    "parse_environment",
    "parse_url",
]

# Environment variables.
URL = "PYSPIKE_URL"
HOSTS = "PYSPIKE_HOSTS"
USER = "PYSPIKE_USER"
PASSWORD = "PYSPIKE_PASSWORD"
KEY_PASSWORD = "PYSPIKE_TLS_KEY_PASSWORD"

PLAIN, OVER_TLS = "aerospike", "aerospikes"
LOGIN = ("user", "password")  # fields that have places of their own in a URL

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")


class Address(NamedTuple):
    """What a client is made with, and the namespace that the URL names."""

    hosts: tuple[Host, ...]
    policy: ClientPolicy
    namespace: str | None


def parse_url(url: str, policy: ClientPolicy, password: str | None = None) -> Address:
    """What a URL means.

    Args:
        url: the text.
        policy: what counts for all that the URL does not say.
        password: of the user, if the URL has none.

    Raises:
        InvalidType: an argument is no text.
        InvalidArgument: the URL can't be read, or says what no client can do.
    """
    if not isinstance(url, str):
        raise InvalidType(f"a URL must be a str, not {type(url).__name__}")
    said = _split(plain_text(url))
    if password is not None:
        if said.password is not None:
            raise InvalidArgument("the URL has a password, and another one is given")
        if said.user is None:
            raise InvalidArgument("a password is given, but the URL has no user", advice="write user@host")
        said = replace(said, password=password)
    return _address(
        said, policy, f"give it as the argument password or as user:password@host; from_env reads {PASSWORD}"
    )


def parse_environment(policy: ClientPolicy) -> Address:
    """What the variables of the environment mean; `Client.from_env` tells which there are.

    Args:
        policy: what counts for all that they do not say.

    Raises:
        InvalidArgument: none says where the cluster is, or two do; or one can't be read.
    """
    url, hosts, user, password, key_password = (
        os.environ.get(name) or None for name in (URL, HOSTS, USER, PASSWORD, KEY_PASSWORD)
    )
    if url is not None and hosts is not None:
        raise InvalidArgument(f"both {URL} and {HOSTS} are set", advice="set one of them only")
    if url is not None:
        said = _split(url)
    elif hosts is not None:
        said = _Said(PLAIN, parse_hosts(hosts))
    else:
        raise InvalidArgument(
            f"neither {URL} nor {HOSTS} is set", advice=f"set one of them, as {URL}={PLAIN}://127.0.0.1:3000"
        )
    if user is not None and said.user is not None and user != said.user:
        raise InvalidArgument(f"{URL} and {USER} name two different users")
    said = replace(said, user=said.user or user)
    if said.user is not None:  # else the password may be there for another program
        said = replace(said, password=said.password or password)
    address = _address(said, policy, f"set {PASSWORD}")
    tls = address.policy.tls
    if isinstance(tls, TLSPolicy) and tls.certificate_file is not None and tls.key_password is None:
        tls = tls.replace(key_password=key_password)
        address = address._replace(policy=address.policy.replace(tls=tls))
    return address


# The parts of the text -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class _Said:
    """The parts of a URL, decoded."""

    scheme: str
    hosts: tuple[Host, ...]
    user: str | None = None
    password: str | None = None
    namespace: str | None = None
    options: tuple[tuple[str, str], ...] = ()


def _split(url: str) -> _Said:
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in (PLAIN, OVER_TLS):
        other = f", not with {scheme}://" if mark and _SCHEME.fullmatch(scheme) else ""
        raise InvalidArgument(f"the URL of a cluster begins with {PLAIN}:// or {OVER_TLS}://{other}")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    rest = rest[len(authority) :]
    if "@" in rest or "#" in rest:
        # Maybe in the middle of a password: what seems to be a host is none, and is not shown.
        raise InvalidArgument(
            "the URL has a @ or a # where there can be none",
            advice="in user, password and options write @ as %40, # as %23, / as %2F, ? as %3F and % as %25",
        )
    login, at, hosts = authority.rpartition("@")
    user, colon, password = login.partition(":")
    if at and not user:
        raise InvalidArgument("the URL has no user in front of its @")
    path, _, query = rest.partition("?")
    namespace = path.removeprefix("/").removesuffix("/")
    if "/" in namespace:
        raise InvalidArgument(f"{shown(path)} in the URL is no namespace")
    return _Said(
        scheme.lower(),
        parse_hosts(hosts),
        _decoded(user, "user") if at else None,
        _decoded(password, "password") if colon else None,
        _decoded(namespace, "namespace") or None,
        tuple(_options(query)),
    )


def _decoded(text: str, what: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArgument(f"the {what} in the URL is no UTF-8") from None


def _options(query: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for piece in filter(None, query.split("&")):
        name, equals, text = piece.partition("=")
        name = _decoded(name, "name of an option")
        if not equals:
            raise InvalidArgument(
                f"the option {shown(name)} of the URL has no value", advice="write name=value"
            )
        if name in seen:
            raise InvalidArgument(f"the option {shown(name)} stands twice in the URL")
        seen.add(name)
        yield name, _decoded(text, f"value of {name}")


# What they mean --------------------------------------------------------------------------------------------


def _address(said: _Said, policy: ClientPolicy, where_password: str) -> Address:
    changes = _changes(ClientPolicy, policy, dict(said.options))
    tls = changes.get("tls", policy.tls)
    if said.scheme == OVER_TLS:
        tls = changes["tls"] = tls or TLSPolicy()
    elif "tls" in changes and policy.tls is None:
        raise InvalidArgument("the URL has options of TLS", advice=f"begin it with {OVER_TLS}://")
    if said.user is not None:
        changes["user"] = said.user
        # The policy's password is that of its own user.
        known = policy.password if policy.user == said.user else None
        changes["password"] = said.password or known
        if changes["password"] is None:
            raise InvalidArgument(
                f"there is no password for the user {shown(said.user)}",
                advice=where_password,
            )
    hosts = said.hosts
    if tls is not None:  # as of every URL, the certificate has to be that of the host
        hosts = tuple(
            host if host.tls_name or ":" in host.name else Host(host.name, host.port, host.name)
            for host in hosts
        )
    return Address(hosts, policy.replace(**changes), said.namespace)


def _changes(kind: type, now: Any, options: Mapping[str, str], path: str = "") -> dict[str, Any]:
    """The fields of a policy that options set, with their values.

    Args:
        kind: the policy's class.
        now: the policy there is, whose own policies are changed; None if there is none.
        options: by their names from here on.
        path: what stands in front of these in the URL.
    """
    changes: dict[str, Any] = {}
    inner: dict[str, dict[str, str]] = {}
    for name, text in options.items():
        if path + name in LOGIN:
            raise InvalidArgument(
                f"{name} is no option of a URL",
                advice="user and password stand before the hosts, with a @ behind",
            )
        if path + name not in option_names():
            _refuse(path + name)
        field, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(field, {})[rest] = text
        else:
            changes[name] = _value(text, _kinds(kind)[name], path + name)
    for field, own in inner.items():
        of = _nested(_kinds(kind)[field])
        value = getattr(now, field, None)
        if value is not None and not isinstance(value, of):
            raise InvalidArgument(f"the URL has options of {path}{field}, which is {shown(value)}")
        found = _changes(of, value, own, f"{path}{field}.")
        try:
            changes[field] = of(**found) if value is None else replace(value, **found)
        except TypeError:  # of no policy: they have defaults for all
            raise InvalidArgument(
                f"the URL has {path}{field}.{next(iter(own))}, but no {path}{field}.path"
            ) from None
    return changes


@cache
def _kinds(kind: type) -> dict[str, tuple[Any, ...]]:
    """The fields of a policy, each with the types of which its value may be."""
    hints = typing.get_type_hints(
        kind, localns={"ssl": SimpleNamespace(SSLContext=object), "AnyCodec": object}
    )
    return {entry.name: tuple(_alternatives(hints[entry.name])) for entry in fields(kind) if entry.init}


def _alternatives(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) in (typing.Union, UnionType):
        for each in typing.get_args(hint):
            yield from _alternatives(each)
    else:
        yield hint


def _nested(kinds: Sequence[Any]) -> Any:
    """The class of a field that has fields itself; None for a plain one."""
    return next(filter(is_dataclass, kinds), None)


@cache
def option_names() -> frozenset[str]:
    """The names of all options."""
    return frozenset(_names_of(ClientPolicy)) - {*LOGIN}


def _names_of(kind: type) -> Iterator[str]:
    for name, kinds in _kinds(kind).items():
        nested = _nested(kinds)
        if nested is not None:
            yield from (f"{name}.{inner}" for inner in _names_of(nested))
        elif _readers([each for each in kinds if each is not NoneType]):
            yield name


def _refuse(name: str) -> NoReturn:
    names = sorted(option_names())
    inner = [each for each in names if each.startswith(f"{name}.")]
    same = [each for each in names if each.rpartition(".")[2] == name]
    close = same or difflib.get_close_matches(name, names, n=1)
    advice = (
        f"there is {', '.join(inner)}" if inner
        else f"did you mean {' or '.join(close)}?" if close
        else "an option is the name of a field of ClientPolicy, such as tend_interval or read.total_timeout"
    )  # fmt: skip
    raise InvalidArgument(f"a URL has no option {shown(name)}", advice=advice)


# Values ----------------------------------------------------------------------------------------------------


def _value(text: str, kinds: Sequence[Any], name: str) -> Any:
    """The value of an option.

    Raises:
        InvalidArgument: no type that it may have can be read from this text.
    """
    readers = _readers(kinds)
    for read, _ in readers:
        with contextlib.suppress(LookupError, ValueError):
            return read(text)
    raise InvalidArgument(
        f"the option {name} of the URL can't be {shown(text)}",
        advice=f"it is {' or '.join(word for _, word in readers)}",
    )


def _readers(kinds: Sequence[Any]) -> list[tuple[Callable[[str], Any], str]]:
    """How values of these types are read from a text, each with what to write."""
    return [reader for reader in map(_reader, kinds) if reader is not None]


def _reader(kind: Any) -> tuple[Callable[[str], Any], str] | None:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        names = ", ".join(name.lower() for name in kind.__members__)
        return (lambda text: kind[text.upper().replace("-", "_")]), f"one of {names}"
    return None


def _matching(pattern: str, make: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return make(text)

    return read


def _pairs(text: str) -> dict[str, str]:
    pairs = [piece.partition("=") for piece in text.split(",")]
    if not all(equals and other for _, equals, other in pairs):
        raise ValueError(text)
    return {name: other for name, _, other in pairs}


_PLAIN: dict[Any, tuple[Callable[[str], Any], str]] = {
    NoneType: ({"none": None}.__getitem__, "none"),
    bool: ({"true": True, "false": False}.__getitem__, "true or false"),
    int: (_matching("-?[0-9]+", int), "a whole number"),
    float: (_matching(r"-?[0-9]+(\.[0-9]+)?", float), "a number of milliseconds"),
    str: (str, "a text"),
    Sequence[int]: (
        lambda text: [int(each) for each in text.split(",")],
        "whole numbers with commas between",
    ),
    Sequence[str]: (lambda text: text.split(","), "texts with commas between"),
    Mapping[str, str]: (_pairs, "pairs such as 172.17.0.2=10.0.0.2 with commas between"),
}
