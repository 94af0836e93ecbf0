"""String operations and expressions do on a server what they say."""

from __future__ import annotations

from typing import Any

import pytest

from pyspike import Client, Key, errors, exp
from pyspike import operations as op
from pyspike.operations import bitwise, context, lists, strings
from pyspike.operations import exp as exp_op

FLAGS = strings.StringWriteFlags
REGEX = strings.StringRegexFlags


@pytest.fixture
def record(client: Client, key: Key) -> Key:
    """A record with a text, on a server that has string operations."""
    (build, *_) = client.info("build").values()
    if tuple(map(int, build.split(".")[:2])) < (8, 2):
        pytest.skip(f"server {build} has no string operations")
    client.put(key, {"s": "Hello World", "n": " 42 ", "l": ["ab", {"k": "cd"}], "y": b"hi", "i": 7})
    return key


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (strings.strlen("s"), 11),
        (strings.substr("s", 6), "World"),
        (strings.substr("s", -5, -1), "Worl"),
        (strings.char_at("s", 1), "e"),
        (strings.find("s", "o"), 4),
        (strings.find("s", "o", 2), 7),
        (strings.find("s", "o", -1), 7),
        (strings.contains("s", "lo W"), True),
        (strings.starts_with("s", "Hell"), True),
        (strings.ends_with("s", "Hell"), False),
        (strings.byte_length("s"), 11),
        (strings.is_numeric("s"), False),
        (strings.is_upper("s"), False),
        (strings.is_lower("s"), False),
        (strings.to_blob("s"), b"Hello World"),
        (strings.split("s", " "), ["Hello", "World"]),
        (strings.split("n"), [" ", "4", "2", " "]),
        (strings.regex_compare("s", "^h.*d$", regex_flags=REGEX.CASE_INSENSITIVE), True),
        (strings.to_string("i"), "7"),
        (strings.strlen("l", ctx=[context.list_index(0)]), 2),
        (strings.find("l", "d", ctx=[context.list_index(1), context.map_key("k")]), 1),
        (strings.strlen("missing"), None),
        (bitwise.b64_encode("y"), "aGk="),
        (bitwise.b64_encode("y", 1), "aQ=="),
        (bitwise.b64_encode("y", 0, 1, invert_size=True), "aA=="),
        (lists.join("l", ctx=[context.list_index(0)]), errors.BinTypeError),
        (strings.to_integer("s"), errors.OpNotApplicable),
        (strings.to_double("s"), errors.OpNotApplicable),
        (strings.base64_decode("s"), errors.OpNotApplicable),
        (strings.strlen("i"), errors.BinTypeError),
    ],
    ids=str,
)
def test_strings_are_read(client: Client, record: Key, operation: op.Operation, result: Any) -> None:
    if isinstance(result, type):
        with pytest.raises(result):
            client.operate(record, [operation])
    else:
        (found,) = client.operate(record, [operation]).results or ()
        assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (strings.insert("s", 5, ","), "Hello, World"),
        (strings.overwrite("s", 6, "There"), "Hello There"),
        (strings.append("s", "!"), "Hello World!"),
        (strings.prepend("s", "> "), "> Hello World"),
        (strings.concat("s", ["!", "?"]), "Hello World!?"),
        (strings.snip("s", 5), "Hello"),
        (strings.snip("s", 0, 6), "World"),
        (strings.replace("s", "l", "L"), "HeLlo World"),
        (strings.replace_all("s", "l", "L"), "HeLLo WorLd"),
        (strings.upper("s"), "HELLO WORLD"),
        (strings.lower("s"), "hello world"),
        (strings.casefold("s"), "hello world"),
        (strings.normalize_nfc("s"), "Hello World"),
        (strings.trim("n"), "42"),
        (strings.trim_start("n"), "42 "),
        (strings.trim_end("n"), " 42"),
        (strings.pad_start("s", 13, "*"), "**Hello World"),
        (strings.pad_end("s", 13, "*"), "Hello World**"),
        (strings.repeat("s", 2), "Hello WorldHello World"),
        (strings.regex_replace("s", "(\\w+) (\\w+)", "$2 $1"), "World Hello"),
        (strings.regex_replace("s", "o", "0", regex_flags=REGEX.GLOBAL), "Hell0 W0rld"),
        (strings.append("new", "a"), "a"),
        (strings.append("new", "a", write_flags=FLAGS.UPDATE_ONLY), None),
        (strings.append("s", "a", write_flags=FLAGS.CREATE_ONLY), errors.BinExists),
        (strings.append("s", "a", write_flags=FLAGS.CREATE_ONLY | FLAGS.NO_FAIL), "Hello World"),
        (strings.upper("l", ctx=[context.list_index(0)]), ["AB", {"k": "cd"}]),
        (strings.upper("l", ctx=[context.list_index(1), context.map_key("k")]), ["ab", {"k": "CD"}]),
        (strings.upper("i"), errors.BinTypeError),
        (strings.repeat("s", -1), errors.RequestInvalid),
    ],
    ids=str,
)
def test_strings_are_changed(client: Client, record: Key, operation: op.Operation, after: Any) -> None:
    before = client.get(record).bins
    if isinstance(after, type):
        with pytest.raises(after):
            client.operate(record, [operation])
        assert client.get(record).bins == before
    else:
        client.operate(record, [operation])
        name = operation.bin
        assert client.get(record).bins.get(name) == after


def test_a_list_of_strings_is_joined(client: Client, record: Key) -> None:
    client.put(record, {"l": ["a", "b", "c"]})
    assert client.operate(record, [lists.join("l"), lists.join("l", "-")]).results == ["abc", "a-b-c"]


def test_strings_in_expressions(client: Client, record: Key) -> None:
    upper = exp.strings.upper(exp.string_bin("s"))
    assert client.operate(record, [exp_op.read("x", upper)])["x"] == "HELLO WORLD"
    assert client.operate(record, [exp_op.read("x", exp.strings.to_string(exp.int_bin("i")))])["x"] == "7"
    client.operate(record, [exp_op.write("u", exp.strings.trim(exp.string_bin("n")))])
    assert client.get(record)["u"] == "42"
    contains = exp.strings.contains(exp.string_bin("s"), "World")
    assert client.get(record, ["i"], filter_expression=contains)["i"] == 7
    with pytest.raises(errors.FilteredOut):
        client.get(record, filter_expression=exp.strings.contains(exp.string_bin("s"), "nobody"))
