"""What every public class and function has in common: signatures, types, constructors, copies."""

from __future__ import annotations

import collections.abc
import contextlib
import copy
import dataclasses
import importlib
import inspect
import json
import os
import pickle
import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pyspike
from pyspike import (
    AdminPolicy,
    AsyncClient,
    Client,
    ClientPolicy,
    ClientStats,
    Explanation,
    GeoJSON,
    Host,
    HyperLogLog,
    InfoPolicy,
    Job,
    Key,
    KeyOrderedDict,
    KeyValueOrderedDict,
    MultiResult,
    Node,
    OrderedList,
    Privilege,
    RawParticle,
    ReadPolicy,
    Record,
    Role,
    User,
    WritePolicy,
    _wire,
    exp,
)
from pyspike import operations as op
from pyspike.errors import AerospikeError, Attempt, RecordNotFound
from pyspike.operations import context, lists
from pyspike.server import EmbeddedCluster

KEY = Key("test", "users", "ann")
RECORD = Record(KEY, {"name": "Ann", "age": 30}, 3, 0)
POLICIES = [ReadPolicy, WritePolicy, InfoPolicy, AdminPolicy, ClientPolicy]
MODULES = [
    "pyspike",
    "pyspike.errors",
    "pyspike.hosts",
    "pyspike.policy",
    "pyspike.values",
    "pyspike.operations",
    *(f"pyspike.operations.{name}" for name in ("context", "exp")),
    "pyspike.exp",
    *(
        f"pyspike.{family}.{name}"
        for family in ("operations", "exp")
        for name in ("bitwise", "hll", "lists", "maps", "paths", "strings")
    ),
    "pyspike.server",
    "pyspike.testing",
]


def public() -> Iterator[tuple[str, Any]]:
    """Every public class and function, and every public method of the classes."""
    for name in MODULES:
        module = importlib.import_module(name)
        for entry in getattr(module, "__all__", [own for own in vars(module) if not own.startswith("_")]):
            thing = getattr(module, entry)
            if callable(thing):
                yield f"{name}.{entry}", thing
            if inspect.isclass(thing):
                for member in dir(thing):
                    if not member.startswith("_") and callable(getattr(thing, member)):
                        yield f"{name}.{entry}.{member}", getattr(thing, member)


PUBLIC = dict(public())


# --- signatures ---


def signature_of(thing: Any) -> str:
    """Its signature as text; empty where Python has none, as for dict itself."""
    try:
        return str(inspect.signature(thing))
    except (ValueError, TypeError):
        return ""


def test_no_signature_shows_an_address() -> None:
    shown = {name: signature_of(thing) for name, thing in PUBLIC.items()}
    assert {name for name, text in shown.items() if "0x" in text} == set()
    assert "default: 'T' = RAISE" in shown["pyspike.Client.get"]
    ours = {
        name for name, thing in PUBLIC.items()
        if "pyspike" in (getattr(thing, "__module__", "") or "")
        and not (inspect.isclass(thing) and issubclass(thing, dict))
    }  # fmt: skip
    assert len(ours) > 500
    assert {name for name in ours if not shown[name]} == set()


def test_the_signatures_of_key_and_record_are_those_of_their_constructors() -> None:
    assert str(inspect.signature(Key)) == "(namespace, set_name, user_key)"
    assert str(inspect.signature(Record)) == "(key, bins, generation=0, void_time=0, results=None)"
    assert (Key.__doc__ or "").startswith("What a record is found by.")
    assert (Record.__doc__ or "").startswith("A record as it was read.")


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_the_types_of_every_method_of_a_client_can_be_asked_for(client: type) -> None:
    names = [name for name in dir(client) if not name.startswith("_") and callable(getattr(client, name))]
    assert {"get", "put", "operate", "info", "with_policies"} <= set(names)
    for name in names:
        hints = typing.get_type_hints(getattr(client, name))
        assert "return" in hints or name == "sharing", name
        assert not any(isinstance(hint, str) for hint in hints.values())
    hints = typing.get_type_hints(client.get)  # type: ignore[attr-defined]
    assert hints["policy"] == ReadPolicy | None
    assert Key in typing.get_args(hints["key"])
    kind = client.__name__
    for name, told in (
        ("stats", ClientStats),
        ("query_user", User),
        ("query_roles", list[Role]),
        ("jobs", list[Job]),
        ("explain", Explanation),
    ):
        assert typing.get_type_hints(getattr(client, name))["return"] == told, (kind, name)
    roles = typing.get_type_hints(client.create_role)["privileges"]  # type: ignore[attr-defined]
    assert Privilege in typing.get_args(typing.get_args(roles)[0])


def test_no_type_of_a_public_class_is_a_stand_in() -> None:
    """What is imported late is itself where `typing.get_type_hints` is asked, and not `object`."""
    for name, kind in PUBLIC.items():
        if not inspect.isclass(kind) or not kind.__module__.startswith("pyspike."):
            continue
        for each, member in vars(kind).items():
            function = member.fget if isinstance(member, property) else member
            if each.startswith("_") or not inspect.isfunction(function):
                continue
            told = str(inspect.signature(function).return_annotation)
            if each.startswith("to_") and told.partition(".")[0] not in sys.modules:
                continue  # a table of a library that is not here
            if "object" not in told:
                assert typing.get_type_hints(function).get("return") is not object, (name, each)


# --- constructors ---

WRONG: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = [
    ("Key", Key, ("test", "s", "k")),
    ("Record", Record, (KEY, {})),
    ("Host", Host, ("a",)),
    ("Node", Node, ("a", Host("a"), "8", True)),
    ("Client", Client, ("a",)),
    ("AsyncClient", AsyncClient, ("a",)),
    ("GeoJSON", GeoJSON, ("{}",)),
    ("RawParticle", RawParticle, (9, b"")),
    ("EmbeddedCluster", EmbeddedCluster, ()),
    ("Attempt", Attempt, ("a", "b", 1, True)),
    *((kind.__name__, kind, ()) for kind in POLICIES),
    *(
        (name, kind, ())
        for name, kind in vars(_wire).items()
        if isinstance(kind, type) and kind.__module__ == _wire.__name__ and name not in ("Key", "Record")
    ),
]


@pytest.mark.parametrize(("name", "kind", "arguments"), WRONG, ids=[entry[0] for entry in WRONG])
def test_a_constructor_names_its_class_when_arguments_are_wrong(
    name: str, kind: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    told = [words_of(kind, *arguments, ttl=1), words_of(kind, *arguments, *range(20))]
    for words in told:
        assert "__cinit__" not in words
        assert not words.startswith("__init__()")
        if "argument" in words and not words.startswith("Argument"):
            assert name in words


def words_of(kind: Callable[..., Any], *arguments: Any, **keywords: Any) -> str:
    """What the TypeError says; nothing where the class takes them, or finds out later that they are wrong."""
    with contextlib.suppress(AttributeError):
        try:
            kind(*arguments, **keywords)
        except TypeError as error:
            return str(error)
    return ""


def test_the_words_for_a_wrong_argument() -> None:
    make: Any = Key
    with pytest.raises(TypeError, match=r"^Key\(\) got an unexpected keyword argument 'ttl'$"):
        make("t", "s", "k", ttl=1)
    with pytest.raises(TypeError, match=r"^Key\(\) takes exactly 3 positional arguments \(1 given\)$"):
        make("t")
    record: Any = Record
    with pytest.raises(TypeError, match=r"^Record\(\) got an unexpected keyword argument 'ttl'$"):
        record(KEY, {}, ttl=1)
    with pytest.raises(TypeError, match=r"^Settings\(\) got an unexpected keyword argument 'ttls'$"):
        _wire.Settings(ttls=1)  # type: ignore[call-arg]


def test_wrong_arguments_close_no_descriptor() -> None:
    """A connection that was never made holds none, least of all 0."""
    with open(os.devnull) as null:
        stdin = os.dup(0)
        os.dup2(null.fileno(), 0)
        try:
            assert "Connection()" in words_of(_wire.Connection, "not a number at all", None, 2)
            os.fstat(0)
        finally:
            os.dup2(stdin, 0)
            os.close(stdin)


def test_an_operation_is_made_by_functions_only() -> None:
    make: Any = pyspike.Operation
    with pytest.raises(TypeError, match=r"made by the functions of pyspike\.operations"):
        make()
    hollow = make.__new__(make)
    from support.unsent import UNSENT

    with pytest.raises(TypeError, match=r"made by pyspike\.operations"):
        UNSENT.operate(KEY, [hollow])


# --- a record is a mapping, a key can be matched ---


def test_a_record_is_a_mapping() -> None:
    assert isinstance(RECORD, collections.abc.Mapping)
    assert issubclass(Record, collections.abc.Mapping)
    assert dict(RECORD) == {**RECORD} == {"name": "Ann", "age": 30}
    assert json.loads(json.dumps(dict(RECORD))) == {"name": "Ann", "age": 30}
    match RECORD:
        case {"name": str(name), **rest}:
            assert (name, rest) == ("Ann", {"age": 30})
        case _:
            raise AssertionError
    match RECORD:
        case {"nothing": _}:
            raise AssertionError
        case [*_]:
            raise AssertionError


def test_a_key_is_matched_by_its_parts() -> None:
    match KEY:
        case Key("test", set_name, user_key=user_key):
            assert (set_name, user_key) == ("users", "ann")
        case _:
            raise AssertionError
    assert Key.__match_args__ == ("namespace", "set_name", "user_key")


# --- policies ---


@pytest.mark.parametrize("kind", POLICIES)
def test_a_policy_is_a_dataclass_of_its_fields(kind: Any) -> None:
    policy = kind()
    told = dataclasses.asdict(policy)
    assert list(told) == [entry.name for entry in dataclasses.fields(policy)]
    assert "settings" not in told
    if kind is not ClientPolicy:  # which has other policies inside
        assert kind(**told) == policy
    assert dataclasses.replace(policy) == policy
    assert dataclasses.astuple(policy)


def test_a_filter_is_a_field_like_others() -> None:
    condition = exp.int_bin("age") > 3
    told = dataclasses.asdict(ReadPolicy(filter_expression=condition, max_retries=4))
    assert told["filter_expression"].same_as(condition)
    assert ReadPolicy(**told) == ReadPolicy(filter_expression=condition, max_retries=4)
    assert ReadPolicy(filter_expression=condition) != ReadPolicy()


# --- pickle and copy ---

KEPT = [
    KEY,
    Key.from_digest("test", "users", KEY.digest),
    RECORD,
    GeoJSON("{}"),
    HyperLogLog(b"\0\4\0"),
    KeyOrderedDict(a=1),
    KeyValueOrderedDict(a=1),
    OrderedList([1]),
    MultiResult([1]),
    RawParticle(9, b"x"),
    Host("a"),
    Node("BB9", Host("a"), "8.1", True),
    op.put("a", 1),
    op.get(),
    lists.append("l", 1, ctx=[context.list_index(0)]),
    context.map_key("a"),
    ReadPolicy(max_retries=4),
    WritePolicy(send_key=True, filter_expression=b"\xc3"),
    ClientPolicy(ip_map={"a": "b"}),
    InfoPolicy(timeout=5),
    AdminPolicy(timeout=5),
    ReadPolicy(max_retries=4).settings,
    pyspike.Expiration.NEVER,
    pyspike.INFINITY,
    pyspike.ResultCode.OK,
]
DUPLICATES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: type(value).__name__)
def test_what_is_a_value_survives_pickle_and_copy(value: Any) -> None:
    for duplicate in DUPLICATES:
        twin = duplicate(value)
        assert (type(twin), twin) == (type(value), value)


def test_an_error_and_an_expression_survive_too() -> None:
    error = RecordNotFound("gone", key=KEY, node="BB9", attempts=[Attempt("BB9", "x", 1.0, True)])
    expression = exp.int_bin("a") == 1
    for duplicate in DUPLICATES:
        twin = duplicate(error)
        assert (type(twin), str(twin), twin.key, twin.attempts) == (
            RecordNotFound, str(error), KEY, error.attempts,
        )  # fmt: skip
        assert duplicate(expression).same_as(expression)


def test_what_is_of_one_process_says_so_in_plain_words() -> None:
    commands = _wire.Commands(_wire.Executor(), ReadPolicy().settings, WritePolicy().settings)
    client = AsyncClient("127.0.0.1:1")
    cluster = EmbeddedCluster()
    node = _wire.Node("n", _wire.NodeLimits())
    pool = _wire.Pool(node, lambda ms: None)  # type: ignore[arg-type, return-value]
    bare = [_wire.PartitionMap(), _wire.Routing(), _wire.Executor(), node, pool]
    for thing in (commands, client, cluster, cluster.nodes[0] if cluster.nodes else cluster, *bare):
        for duplicate in DUPLICATES:
            with pytest.raises(TypeError, match="pickle") as caught:
                duplicate(thing)
            assert "__cinit__" not in str(caught.value)
            assert type(thing).__name__ in str(caught.value)


def test_no_class_of_the_wire_layer_speaks_of_its_insides() -> None:
    for kind in vars(_wire).values():
        if isinstance(kind, type) and kind.__module__ == _wire.__name__:
            assert not hasattr(kind, "__reduce_cython__"), kind


# --- bounded texts ---


def test_an_error_is_bounded_however_long_its_parts_are() -> None:
    attempts = [Attempt("BB9", "x" * 10**6, 1.0, True)] * 1000
    error = AerospikeError(
        "y" * 10**6, key=Key("test", "s", "z" * 10**6), attempts=attempts, advice="a" * 10**6
    )
    assert len(str(error)) < 60_000
    assert len(repr(error)) < 3000
    assert error.message == "y" * 10**6
    assert str(AerospikeError("short", attempts=attempts[:2])).count("attempt") == 2
    assert repr(AerospikeError("short")) == "AerospikeError('short')"
