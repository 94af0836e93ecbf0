"""String operations of server 8.2: places, matching, patterns, flags. By the protocol's sheet."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_values import error_of, ordered, packed, plain
from server_wire import Wire, as_list, cases, get, integer, message, op, put, wire_bytes

from pyspike.server import EmbeddedCluster
from pyspike.server.protocol.result import ResultCode
from pyspike.server.strings.matching import matches
from pyspike.server.strings.operate import modify, read
from pyspike.server.values.encoding import encode

STRLEN, SUBSTR, CHAR_AT, FIND, CONTAINS, STARTS_WITH, ENDS_WITH, TO_INTEGER, TO_DOUBLE = range(9)
BYTE_LENGTH, IS_NUMERIC, IS_UPPER, IS_LOWER, TO_BLOB, SPLIT, B64_DECODE, REGEX_COMPARE = range(9, 17)
INSERT, OVERWRITE, CONCAT, SNIP, REPLACE, REPLACE_ALL, UPPER, LOWER, CASEFOLD, NFC = range(50, 60)
TRIM_START, TRIM_END, TRIM, PAD_START, PAD_END, REPEAT, REGEX_REPLACE, APPEND, PREPEND = range(60, 69)
CREATE_ONLY, UPDATE_ONLY, NO_FAIL = 1, 2, 4
IGNORE_CASE, MULTILINE, DOTALL, UNIX_LINES, GLOBAL = 1, 2, 4, 8, 16
STRING, STRING_READ, STRING_MODIFY, TO_STRING = 3, 17, 18, 19

COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"


def told(text: str, opcode: int, *args: Any) -> Any:
    return plain(read(text, opcode, [packed(arg) for arg in args]))


def changed(text: str | None, opcode: int, *args: Any, nested: bool = False) -> str | None:
    return modify(text, opcode, [packed(arg) for arg in args], nested=nested)


# --- reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "opcode", "args", "result"),
    [
        ("aé漢", STRLEN, (), 3),
        ("aé漢", BYTE_LENGTH, (), 6),
        ("hello", SUBSTR, (1,), "ello"),
        ("hello", SUBSTR, (1, 3), "el"),
        ("hello", SUBSTR, (-3, -1), "ll"),
        ("hello", SUBSTR, (3, 1), ""),
        ("hello", SUBSTR, (-9, 99), "hello"),
        ("aé漢", CHAR_AT, (1,), "é"),
        ("aé漢", CHAR_AT, (-1,), "漢"),
        ("aé漢", CHAR_AT, (3,), ""),
        ("banana", FIND, ("an",), 1),
        ("banana", FIND, ("an", 2), 3),
        ("banana", FIND, ("an", 3), -1),
        ("banana", FIND, ("an", -1), 3),
        ("banana", FIND, ("an", -2), 1),
        ("banana", FIND, ("an", -3), -1),
        ("banana", FIND, ("x",), -1),
        ("banana", FIND, ("",), 0),
        ("漢é", FIND, (DECOMPOSED,), 1),
        ("banana", CONTAINS, ("nan",), True),
        ("banana", CONTAINS, ("",), True),
        ("banana", STARTS_WITH, ("ban",), True),
        ("banana", STARTS_WITH, ("an",), False),
        ("banana", ENDS_WITH, ("ana",), True),
        ("a", ENDS_WITH, ("banana",), False),
        ("x" + COMPOSED, ENDS_WITH, (DECOMPOSED,), True),
        (DECOMPOSED + "x", STARTS_WITH, (COMPOSED,), True),
        (DECOMPOSED, STARTS_WITH, ("e",), False),
        ("-12", TO_INTEGER, (), -12),
        ("9223372036854775807", TO_INTEGER, (), (1 << 63) - 1),
        ("1.5e3", TO_DOUBLE, (), 1500.0),
        ("-.5", TO_DOUBLE, (), -0.5),
        ("12", IS_NUMERIC, (), True),
        ("1.5", IS_NUMERIC, (0,), True),
        ("1.5", IS_NUMERIC, (1,), False),
        ("12", IS_NUMERIC, (2,), False),
        ("-.5", IS_NUMERIC, (2,), True),
        ("1.", IS_NUMERIC, (2,), False),
        ("1e5", IS_NUMERIC, (), False),
        ("9223372036854775808", IS_NUMERIC, (), False),
        ("٣", IS_NUMERIC, (), False),
        ("ABC 1", IS_UPPER, (), True),
        ("ABc", IS_UPPER, (), False),
        ("abc 1", IS_LOWER, (), True),
        ("aBc", IS_LOWER, (), False),
        ("é", TO_BLOB, (), "é".encode()),
        ("a,b,,c", SPLIT, (",",), ["a", "b", "", "c"]),
        ("abc", SPLIT, (",",), ["abc"]),
        ("aé漢", SPLIT, (), ["a", "é", "漢"]),
        ("ab", SPLIT, ("",), ["a", "b"]),
        (COMPOSED, SPLIT, (DECOMPOSED,), [COMPOSED]),
        ("aGk=", B64_DECODE, (), b"hi"),
        ("hello", REGEX_COMPARE, ("l+",), True),
        ("hello", REGEX_COMPARE, ("^l", 0), False),
        ("hello", REGEX_COMPARE, ("HELLO", IGNORE_CASE), True),
        ("hello", REGEX_COMPARE, ("",), True),
    ],
)
def test_strings_are_read(text: str, opcode: int, args: tuple[Any, ...], result: Any) -> None:
    found = told(text, opcode, *args)
    assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize(
    ("text", "opcode", "args", "code"),
    [
        ("x", FIND, ("x", 0), ResultCode.PARAMETER),
        ("x", FIND, (1,), ResultCode.PARAMETER),
        ("x", FIND, (b"x",), ResultCode.PARAMETER),
        ("x", SUBSTR, (), ResultCode.PARAMETER),
        ("x", SUBSTR, ("0",), ResultCode.PARAMETER),
        ("x", STRLEN, (1,), ResultCode.PARAMETER),
        ("x", IS_NUMERIC, (3,), ResultCode.PARAMETER),
        ("x", 17, (), ResultCode.PARAMETER),
        ("x", UPPER, (0,), ResultCode.PARAMETER),
        ("1x", TO_INTEGER, (), ResultCode.OP_NOT_APPLICABLE),
        ("", TO_INTEGER, (), ResultCode.OP_NOT_APPLICABLE),
        ("9223372036854775808", TO_INTEGER, (), ResultCode.OP_NOT_APPLICABLE),
        ("0" * 20 + "1", TO_INTEGER, (), ResultCode.OP_NOT_APPLICABLE),
        ("1e999", TO_DOUBLE, (), ResultCode.OP_NOT_APPLICABLE),
        ("1_0", TO_DOUBLE, (), ResultCode.OP_NOT_APPLICABLE),
        ("a?=", B64_DECODE, (), ResultCode.OP_NOT_APPLICABLE),
        ("x", REGEX_COMPARE, ("(",), ResultCode.PARAMETER),
        ("x", REGEX_COMPARE, ("x", GLOBAL), ResultCode.PARAMETER),
        ("x", REGEX_COMPARE, ("[a[b]]",), ResultCode.PARAMETER),
    ],
)
def test_reads_that_make_no_sense_fail(text: str, opcode: int, args: tuple[Any, ...], code: int) -> None:
    assert error_of(told, text, opcode, *args) == code


# --- changing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "opcode", "args", "after"),
    [
        ("held", INSERT, (2, "X", 0), "heXld"),
        ("held", INSERT, (-1, "X"), "helXd"),
        ("held", INSERT, (99, "X"), "heldX"),
        ("hello", OVERWRITE, (1, "ipp", 0), "hippo"),
        ("hello", OVERWRITE, (-1, "p me"), "hellp me"),
        ("a", CONCAT, (["b", "", "c"], 0), "abc"),
        ("hello", SNIP, (1, 3, 0), "hlo"),
        ("hello", SNIP, (-2,), "hel"),
        ("hello", SNIP, (3, 1, 0), "hello"),
        ("hello", REPLACE, (["l", "L"], 0), "heLlo"),
        ("hello", REPLACE_ALL, (["l", "L"], 0), "heLLo"),
        ("aaa", REPLACE_ALL, (["aa", "b"],), "ba"),
        ("가나", REPLACE, ([unicodedata.normalize("NFD", "가"), "다"],), "다나"),
        (unicodedata.normalize("NFD", "가"), REPLACE, (["\u1100", "x"],), unicodedata.normalize("NFD", "가")),
        ("x" + DECOMPOSED + "y" + COMPOSED, REPLACE_ALL, ([COMPOSED, "E"],), "xEyE"),
        (DECOMPOSED, REPLACE_ALL, (["e", "E"],), DECOMPOSED),
        ("straße", UPPER, (0,), "STRASSE"),
        ("ΑΣ", LOWER, (0,), "ας"),
        ("Straße", CASEFOLD, (), "strasse"),
        (DECOMPOSED, NFC, (0,), COMPOSED),
        ("\u3000 a \u2028\x85", TRIM, (0,), "a"),
        ("  a ", TRIM_START, (0,), "a "),
        ("  a ", TRIM_END, (0,), "  a"),
        ("\x1ca\u200b", TRIM, (0,), "\x1ca\u200b"),
        ("7", PAD_START, (3, "0", 0), "007"),
        ("7", PAD_END, (6, "ab", 0), "7ababa"),
        ("1234", PAD_START, (3, "0", 0), "1234"),
        ("ab", REPEAT, (3, 0), "ababab"),
        ("ab", REPEAT, (0, 0), ""),
        ("foo", REGEX_REPLACE, (["o", "0"], 0, 0), "f0o"),
        ("foo", REGEX_REPLACE, (["o", "0"], GLOBAL), "f00"),
        ("ann@x", REGEX_REPLACE, (["(?<user>\\w+)@(\\w+)", "$2 of ${user}\\$ $0"], 0), "x of ann$ ann@x"),
        ("a", REGEX_REPLACE, (["(b)", "$9"], 0), "a"),
        ("a", APPEND, ("!", 0), "a!"),
        ("a", PREPEND, (">", 0), ">a"),
        ("a", APPEND, ("!", UPDATE_ONLY | NO_FAIL), "a!"),
    ],
)
def test_strings_are_changed(text: str, opcode: int, args: tuple[Any, ...], after: str) -> None:
    assert changed(text, opcode, *args) == after


@pytest.mark.parametrize(
    ("opcode", "args", "created"),
    [
        (INSERT, (5, "x"), "x"),
        (OVERWRITE, (0, "x"), "x"),
        (CONCAT, (["a", "b"],), "ab"),
        (APPEND, ("x",), "x"),
        (PREPEND, ("x",), "x"),
        (PAD_START, (3, "ab"), "aba"),
        (PAD_END, (3, "ab"), "aba"),
        (REPEAT, (3,), ""),
        (UPPER, (), None),
        (SNIP, (0,), None),
        (REPLACE, (["a", "b"],), None),
        (REGEX_REPLACE, (["a", "b"], 0), None),
        (TRIM, (), None),
    ],
)
def test_some_operations_make_the_string(opcode: int, args: tuple[Any, ...], created: str | None) -> None:
    assert changed(None, opcode, *args) == created
    if created is not None:
        assert changed(None, opcode, *args, CREATE_ONLY) == created
        assert changed(None, opcode, *args, UPDATE_ONLY) is None
        assert error_of(changed, "a", opcode, *args, CREATE_ONLY) == ResultCode.BIN_EXISTS
        assert changed("a", opcode, *args, CREATE_ONLY | NO_FAIL) is None
        assert error_of(changed, "a", opcode, *args, CREATE_ONLY, nested=True) == ResultCode.PARAMETER
    elif opcode != SNIP:
        assert error_of(changed, "a", opcode, *args, CREATE_ONLY) == ResultCode.PARAMETER


@pytest.mark.parametrize(
    ("opcode", "args"),
    [
        (OVERWRITE, (1, "x")),
        (OVERWRITE, (-2, "x")),
        (REPLACE, (["", "x"],)),
        (REPLACE, (["x"],)),
        (PAD_END, (-1, "x")),
        (PAD_END, (3, "")),
        (REPEAT, (-1,)),
        (APPEND, ("x", 8)),
        (APPEND, ("x", CREATE_ONLY | UPDATE_ONLY)),
        (APPEND, (1,)),
        (APPEND, ()),
        (CONCAT, ("x",)),
        (CONCAT, (["x", 1],)),
        (REGEX_REPLACE, (["(", ""],)),
        (REGEX_REPLACE, (["a", "$1"],)),
        (REGEX_REPLACE, (["a", "b"], 32)),
        (69, ()),
        (STRLEN, ()),
    ],
)
def test_changes_that_make_no_sense_fail(opcode: int, args: tuple[Any, ...]) -> None:
    assert error_of(changed, "a", opcode, *args) == ResultCode.PARAMETER


def test_a_string_has_a_largest_size() -> None:
    many = "x" * 1024
    assert changed(many, REPEAT, 8192) == many * 8192
    assert error_of(changed, many, REPEAT, 8193) == ResultCode.PARAMETER
    assert error_of(changed, "x", REPEAT, 1 << 62) == ResultCode.PARAMETER
    assert error_of(changed, "x", PAD_END, 1 << 62, "x") == ResultCode.PARAMETER
    assert error_of(changed, many * 3000, UPPER) == ResultCode.PARAMETER
    assert changed(many, REPEAT, 8193, NO_FAIL) is None
    assert changed("y" * 4096, REPLACE_ALL, ["y", many * 10], NO_FAIL) is None


@given(st.text(), st.text(min_size=1))
def test_what_is_found_does_not_depend_on_the_spelling(text: str, needle: str) -> None:
    spellings = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    needles = [unicodedata.normalize(form, needle) for form in ("NFC", "NFD")]
    counts = {sum(1 for _ in matches(one, other)) for one in spellings for other in needles}
    assert len(counts) == 1
    assert any(matches(f"|{needle}|{text}", needle)) or unicodedata.combining(needles[1][0])


@given(st.text(st.characters(max_codepoint=0x17F)), st.integers(-9, 9), st.integers(-9, 9))
def test_parts_make_the_whole(text: str, start: int, end: int) -> None:
    rest, part = changed(text, SNIP, start, end), told(text, SUBSTR, start, end)
    assert rest is not None
    assert len(rest) + len(part) == len(text)
    assert changed(rest, INSERT, max(min(start + (start < 0) * len(text), len(text)), 0), part) == text


# --- patterns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "flags", "yes", "no"),
    [
        ("^b$", MULTILINE, ["a\nb", "a\rb", "a\u2028b"], ["ab"]),
        ("^b$", MULTILINE | UNIX_LINES, ["a\nb"], ["a\rb"]),
        ("^a$", 0, ["a", "a\n", "a\r\n"], ["a\nb"]),
        ("a.b", 0, ["axb"], ["a\nb", "a\rb", "a\x85b"]),
        ("a.b", UNIX_LINES, ["a\rb"], ["a\nb"]),
        ("a.b", DOTALL, ["a\nb"], ["ab"]),
        (r"\p{Lu}\P{Lu}", 0, ["Éa"], ["éA", "ÉÉ"]),
        (r"^[\p{L}\d_-]+$", 0, ["é9_-"], ["a b"]),
        ("^[[:alpha:][:digit:]]+$", 0, ["aé9"], ["_"]),
        (r"^\Qa.b\E+$", 0, ["a.bb"], ["axb"]),
        (r"(?<x>a|b)\k<x>", 0, ["bb"], ["ab"]),
        (r"(a|b)\1", 0, ["bb"], ["ab"]),
        (r"^\h\R$", 0, [" \r\n", "\t\n"], ["a\n"]),
        (r"^a\z", 0, ["a"], ["a\n"]),
        (r"^\x{e9}\u00e9$", 0, ["éé"], ["ee"]),
        ("^[]a]$", 0, ["]", "a"], ["b"]),
        ("^[^a-c]$", 0, ["d"], ["b"]),
        ("(?i)ANN", 0, ["ann"], ["bob"]),
    ],
)
def test_patterns_are_those_of_icu(pattern: str, flags: int, yes: list[str], no: list[str]) -> None:
    for text in yes:
        assert told(text, REGEX_COMPARE, pattern, flags) is True, text
    for text in no:
        assert told(text, REGEX_COMPARE, pattern, flags) is False, text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has possessive quantifiers from 3.11 on")
def test_possessive_quantifiers_give_nothing_back() -> None:
    assert told("aaa", REGEX_COMPARE, "^a++a") is False
    assert told("aaa", REGEX_COMPARE, "^(?>a+)a") is False


@pytest.mark.parametrize(
    "pattern", ["[a&&[b]]", "[a--b]", r"\p{Nonsense}", "[a", "a\\", r"\q", r"\x{zz}", "*"]
)
def test_patterns_that_are_not_known_are_refused(pattern: str) -> None:
    assert error_of(told, "x", REGEX_COMPARE, pattern) == ResultCode.PARAMETER


# --- bins ---------------------------------------------------------------------------------------------------


def string_op(code: int, *items: Any, ctx: list[Any] | None = None, particle: int = STRING) -> bytes:
    value = packed(list(items) if ctx is None else [0xFF, ctx, list(items)])
    return op(code, "s", particle, encode(value))


def asked(wire: Wire, *items: Any, ctx: list[Any] | None = None) -> Any:
    answer = wire.ask(message(1, string_op(STRING_READ, *items, ctx=ctx), info1=1, info2=0x80))
    return answer.code or answer.ops


def after(wire: Wire, *items: Any, ctx: list[Any] | None = None) -> Any:
    answer = wire.ask(message(1, string_op(STRING_MODIFY, *items, ctx=ctx), info2=0x81))
    assert answer.code or answer.ops == [(STRING_MODIFY, 0, "s", b"")]
    return answer.code or wire.ask(get(1)).bins.get("s")


def test_strings_in_bins(wire: Wire) -> None:
    wire.ask(put(1, {"s": (STRING, b"Ann"), "n": integer(1)}))
    assert asked(wire, STRLEN) == [(STRING_READ, *integer(3)[:1], "s", integer(3)[1])]
    assert after(wire, APPEND, "a", 0) == (STRING, b"Anna")
    assert after(wire, OVERWRITE, 9, "a", 0) == ResultCode.PARAMETER
    wire.ask(put(1, {"s": integer(1)}))
    assert asked(wire, STRLEN) == ResultCode.INCOMPATIBLE_TYPE
    assert after(wire, APPEND, "a", NO_FAIL) == ResultCode.INCOMPATIBLE_TYPE
    wire.ask(put(1, {"s": (STRING, b"\xed\xa0\x80")}))
    assert asked(wire, STRLEN) == ResultCode.INVALID_ENCODING
    assert after(wire, APPEND, "a", NO_FAIL) == ResultCode.INVALID_ENCODING
    wire.ask(put(1, {"s": (0, b"")}))
    assert asked(wire, STRLEN) == [(STRING_READ, 0, "s", b"")]
    assert after(wire, UPPER, 0) is None
    assert after(wire, APPEND, "new", UPDATE_ONLY) is None
    assert after(wire, APPEND, "new", CREATE_ONLY) == (STRING, b"new")
    assert after(wire, APPEND, "new", CREATE_ONLY) == ResultCode.BIN_EXISTS


def test_strings_inside_lists_and_maps(wire: Wire) -> None:
    wire.ask(put(1, {"s": (20, encode(packed(["b", {"k": "v"}, 7])))}))
    at_key = [0x10, 1, 0x22, "k"]
    assert asked(wire, STRLEN, ctx=[0x10, 0]) == [(STRING_READ, 1, "s", integer(1)[1])]
    assert asked(wire, STRLEN, ctx=[0x10, 2]) == ResultCode.INCOMPATIBLE_TYPE
    assert asked(wire, STRLEN, ctx=[0x10, 9]) == ResultCode.OP_NOT_APPLICABLE
    assert after(wire, UPPER, 0, ctx=at_key) == (20, encode(packed(["b", {"k": "V"}, 7])))
    assert after(wire, UPPER, 0, ctx=[0x10, 9]) == ResultCode.OP_NOT_APPLICABLE
    assert after(wire, UPPER, NO_FAIL, ctx=[0x10, 9]) == (20, encode(packed(["b", {"k": "V"}, 7])))
    assert after(wire, APPEND, "x", CREATE_ONLY, ctx=at_key) == ResultCode.PARAMETER
    wire.ask(put(1, {"s": (20, encode(ordered(["a", "b", "c"])))}))
    assert after(wire, PREPEND, "z", 0, ctx=[0x10, 0])[1].endswith(encode(packed(["b", "c", "za"]))[1:])
    wire.ask(put(1, {"s": (STRING, b"a")}))
    assert asked(wire, STRLEN, ctx=[0x10, 0]) == ResultCode.INCOMPATIBLE_TYPE


def test_values_are_told_as_text(wire: Wire) -> None:
    def text(particle: int, value: bytes) -> Any:
        wire.ask(put(1, {"s": (particle, value)}))
        answer = wire.ask(message(1, op(TO_STRING, "s"), info1=1, info2=0x80))
        return answer.code or answer.ops[0][1:]

    assert text(*integer(-5)) == (STRING, "s", b"-5")
    assert text(2, bytes.fromhex("3ff8000000000000")) == (STRING, "s", b"1.5")
    assert text(17, b"\x01") == (STRING, "s", b"true")
    assert text(STRING, "é".encode()) == (STRING, "s", "é".encode())
    assert text(4, b"hi") == (STRING, "s", b"hi")
    assert text(4, b"\xff") == ResultCode.OP_NOT_APPLICABLE
    assert text(20, b"\x90") == ResultCode.INCOMPATIBLE_TYPE


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", ResultCode.PARAMETER),
        (b"\x90", ResultCode.PARAMETER),
        (b"\x91\x00\x00", ResultCode.PARAMETER),
        (b"\x91\xa1\x03", ResultCode.PARAMETER),
        (bytes.fromhex("92 00 a2 03ff"), ResultCode.PARAMETER),
        (bytes.fromhex("92 04 a2 03ff"), ResultCode.PARAMETER),
        (bytes.fromhex("93 ccff 90 9100"), ResultCode.PARAMETER),
        (bytes.fromhex("93 ccfe 921000 00"), ResultCode.PARAMETER),
    ],
)
def test_malformed_operations_are_refused(wire: Wire, value: bytes, code: int) -> None:
    wire.ask(put(1, {"s": (STRING, b"a")}))
    assert wire.ask(message(1, op(STRING_READ, "s", STRING, value), info1=1)).code == code
    assert wire.ask(get(1)).bins["s"] == (STRING, b"a")


def test_an_operation_is_a_string_itself(wire: Wire) -> None:
    wire.ask(put(1, {"s": (STRING, b"a")}))
    for code, info in ((STRING_READ, {"info1": 1}), (STRING_MODIFY, {"info2": 1})):
        body = message(1, string_op(code, STRLEN, particle=4), **info)
        assert wire.ask(body).code == ResultCode.INCOMPATIBLE_TYPE


# --- the recorded requests ----------------------------------------------------------------------------------


def test_recorded_requests_are_run_by_the_newest_server(shared_cluster: EmbeddedCluster) -> None:
    """They were recorded on 8.1.2, which refuses all of them; what they do is known from the sheet."""
    aerospike = pytest.importorskip("aerospike")
    from test_server_replay import environment

    client = aerospike.client({"hosts": [("127.0.0.1", shared_cluster.nodes[0].port)]}).connect()
    codes: dict[str, int] = {}
    with Wire(shared_cluster.nodes[0].port) as wire:
        for case in cases("string.jsonl"):
            names = environment(client)
            for source in case.get("setup") or []:
                exec(source, names)
            for request in as_list(case["request"]):
                wire.sock.sendall(wire_bytes(request))
                codes[case["name"]] = wire.read_frame()[13]
    client.close()
    assert len(codes) > 90
    failed = {name.partition("/")[0] for name, code in codes.items() if code}
    assert failed == {"to_integer", "to_double", "base64_decode"}, "what the recorded text is not"
    assert {codes[name] for name in codes if name.partition("/")[0] in failed} == {26}
