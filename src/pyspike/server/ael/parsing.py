"""From an AEL text to its tree.

Owns: which words may follow each other, and how tightly operators bind. Not here: the words (tokens.py), and
whether types fit (compiling.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ..protocol.constants import ParticleType
from ..protocol.flags import ContextType, ExpType, IcuRegexFlags
from ..protocol.opcodes import ExpOpcode
from ..values.integers import INT_MAX
from ..values.packed import PackedList, PackedMap, Value
from .tokens import Place, Token, Tokens, mistake
from .tree import Apply, Literal, Match, Node, Path, Property, Step

__all__ = ["parse"]

_Item = TypeVar("_Item")

_LEVELS_MAX = 50
"""How deep parentheses and the like may be nested."""

# Operators from those that bind least to those that bind most.
_BINARY: tuple[Mapping[str, ExpOpcode], ...] = (
    {"|": ExpOpcode.INT_OR},
    {"^": ExpOpcode.INT_XOR},
    {"&": ExpOpcode.INT_AND},
    {"<<": ExpOpcode.LSHIFT, ">>": ExpOpcode.ARSHIFT, ">>>": ExpOpcode.RSHIFT},
    {"+": ExpOpcode.ADD, "-": ExpOpcode.SUB},
    {"*": ExpOpcode.MUL, "/": ExpOpcode.DIV, "%": ExpOpcode.MOD},
)
_COMPARISONS: Mapping[str, ExpOpcode] = {
    "==": ExpOpcode.EQ,
    "!=": ExpOpcode.NE,
    "<": ExpOpcode.LT,
    "<=": ExpOpcode.LE,
    ">": ExpOpcode.GT,
    ">=": ExpOpcode.GE,
    "in": ExpOpcode.IN_LIST,
}
_TYPES: Mapping[str, int] = {kind.name: kind for kind in ExpType if kind > ExpType.NIL}
_PROPERTIES: Mapping[str, tuple[ExpOpcode, int]] = {
    "ttl": (ExpOpcode.TTL, ExpType.INT),
    "voidTime": (ExpOpcode.VOID_TIME, ExpType.INT),
    "lastUpdateTime": (ExpOpcode.LAST_UPDATE, ExpType.INT),
    "timeSinceLastUpdate": (ExpOpcode.SINCE_UPDATE, ExpType.INT),
    "setName": (ExpOpcode.SET_NAME, ExpType.STRING),
    "keyExists": (ExpOpcode.KEY_EXISTS, ExpType.BOOL),
    "isTombstone": (ExpOpcode.IS_TOMBSTONE, ExpType.BOOL),
    "recordSize": (ExpOpcode.RECORD_SIZE, ExpType.INT),
    "deviceSize": (ExpOpcode.DEVICE_SIZE, ExpType.INT),
    "memorySize": (ExpOpcode.MEMORY_SIZE, ExpType.INT),
    "digestModulo": (ExpOpcode.DIGEST_MODULO, ExpType.INT),
}
_FUNCTIONS = ("exists", "count", "asInt", "asFloat")
_REGEX_FLAGS: Mapping[str, IcuRegexFlags] = {
    "i": IcuRegexFlags.CASE_INSENSITIVE,
    "m": IcuRegexFlags.MULTILINE,
    "s": IcuRegexFlags.DOTALL,
}


def parse(text: str) -> Node:
    """The tree of a text.

    Raises:
        RequestError: PARAMETER: it is no AEL, or none that is known here.

    """
    return _Parser(text).whole()


def _string(text: str) -> bytes:
    return bytes((ParticleType.STRING,)) + text.encode()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)
        self._levels = 0

    def whole(self) -> Node:
        node = self._or()
        if self._tokens.next.kind != "end":
            raise mistake(f"{self._tokens.next.text!r} is not expected", self._tokens.next.place)
        return node

    # --- operators ---

    def _nested(self, part: Callable[[], Node]) -> Node:
        """A part that may have others of its kind in it."""
        self._levels += 1
        if self._levels > _LEVELS_MAX:
            raise mistake("nested too deeply", self._tokens.next.place)
        node = part()
        self._levels -= 1
        return node

    def _or(self) -> Node:
        return self._nested(lambda: self._joined("or", ExpOpcode.OR, self._and))

    def _and(self) -> Node:
        return self._joined("and", ExpOpcode.AND, self._not)

    def _joined(self, sign: str, opcode: ExpOpcode, part: Callable[[], Node]) -> Node:
        parts, places = [part()], []
        while token := self._tokens.skip(sign):
            places.append(token.place)
            parts.append(part())
        return Apply(opcode, sign, tuple(parts), places[0]) if places else parts[0]

    def _not(self) -> Node:
        token = self._tokens.skip("not")
        if token is None:
            return self._comparison()
        return Apply(ExpOpcode.NOT, "not", (self._nested(self._not),), token.place)

    def _comparison(self) -> Node:
        left = self._binary(0)
        regex = self._tokens.skip_regex()
        if regex is not None:
            return self._match(left, *regex)
        token = self._tokens.skip(*_COMPARISONS)
        if token is None:
            return left
        return Apply(_COMPARISONS[token.text], token.text, (left, self._binary(0)), token.place)

    def _match(self, subject: Node, pattern: str, letters: str, place: Place) -> Node:
        flags = 0
        for letter in letters:
            if letter not in _REGEX_FLAGS:
                raise mistake(f"the flag {letter!r} of a pattern", place)
            flags |= _REGEX_FLAGS[letter]
        return Match(subject, _string(pattern), int(flags), place)

    def _binary(self, level: int) -> Node:
        if level == len(_BINARY):
            return self._power()
        node, count = self._binary(level + 1), 0
        while token := self._tokens.skip(*_BINARY[level]):
            count += 1
            if count > _LEVELS_MAX:
                raise mistake("too many operators in a row", token.place)
            parts = (node, self._binary(level + 1))
            node = Apply(_BINARY[level][token.text], token.text, parts, token.place)
        return node

    def _power(self) -> Node:
        base = self._unary()
        token = self._tokens.skip("**")
        if token is None:
            return base
        return Apply(ExpOpcode.POW, "**", (base, self._nested(self._power)), token.place)

    def _unary(self) -> Node:
        token = self._tokens.skip("-", "+", "~")
        if token is None:
            return self._nested(self._operand)
        if token.text == "-" and self._tokens.next.kind in ("int", "float"):
            return self._number(token)
        part = self._nested(self._unary)
        if token.text == "+":
            return part
        if token.text == "~":
            return Apply(ExpOpcode.INT_NOT, "~", (part,), token.place)
        return Apply(ExpOpcode.SUB, "-", (part,), token.place)

    # --- operands ---

    def _operand(self) -> Node:
        tokens = self._tokens
        token = tokens.next
        if token.kind in ("int", "float"):
            return self._number(None)
        if token.kind == "text":
            tokens.take()
            return Literal(_string(token.text), ExpType.STRING, token.place)
        if tokens.skip("("):
            node = self._or()
            tokens.need(")")
            return node
        if tokens.skip("$"):
            return self._path(token.place)
        if tokens.skip("true", "false"):
            return Literal(token.text == "true", ExpType.BOOL, token.place)
        if tokens.skip("["):
            return Literal(PackedList(0, self._items("]", self._value)), ExpType.LIST, token.place)
        if tokens.skip("{"):
            return Literal(PackedMap(0, self._items("}", self._pair)), ExpType.MAP, token.place)
        if tokens.skip("exclusive"):
            tokens.need("(")
            return Apply(ExpOpcode.EXCLUSIVE, token.text, tuple(self._items(")", self._or)), token.place)
        raise mistake(
            f"{token.text!r} is not expected" if token.text else "the end is too early", token.place
        )

    def _items(self, end: str, item: Callable[[], _Item]) -> list[_Item]:
        """What stands between signs, separated by commas."""
        found: list[_Item] = []
        if self._tokens.skip(end):
            return found
        found.append(item())
        while self._tokens.skip(","):
            found.append(item())
        self._tokens.need(end)
        return found

    def _value(self) -> Value:
        node = self._unary()
        if not isinstance(node, Literal):
            raise mistake("a value is missing", node.place)
        return node.value

    def _pair(self) -> tuple[Value, Value]:
        key = self._value()
        self._tokens.need(":")
        return key, self._value()

    def _number(self, minus: Token | None) -> Literal:
        token = self._tokens.take()
        sign = "" if minus is None else "-"
        start = token.place if minus is None else minus.place
        place = Place(start.at, token.place.at + token.place.span - start.at)
        if token.kind == "float":
            return Literal(float(sign + token.text), ExpType.FLOAT, place)
        number = int(token.text, 0) if token.text[:1] != "0" or token.text[1:2].isalpha() else int(token.text)
        if number > INT_MAX + (minus is not None):
            raise mistake("an integer that has not 64 bits", place)
        return Literal(-number if minus is not None else number, ExpType.INT, place)

    # --- paths ---

    def _path(self, start: Place) -> Node:
        tokens = self._tokens
        tokens.need(".")
        name = self._name("the name of a bin")
        if name.kind == "name" and tokens.next.text == "(" and tokens.next.kind == "sign":
            return self._property(name)
        steps: list[Step] = []
        function = ""
        kind = self._type()
        while tokens.skip("."):
            word = tokens.next
            if tokens.skip("["):
                steps.append(self._list_step())
            elif tokens.skip("{"):
                steps.append(self._map_step())
            else:
                self._name("the key of a map")
                if word.kind == "name" and tokens.skip("("):
                    tokens.need(")")
                    function = word.text
                    if function not in _FUNCTIONS:
                        raise mistake(f"the function {function!r}, which is not known", word.place)
                    break
                steps.append(Step(ContextType.MAP_KEY, _string(word.text)))
            kind = self._type()
        place = Place(start.at, max(tokens.next.place.at - start.at, 1))
        path = Path(name.text.encode(), tuple(steps), kind, "", place)
        if function in ("asInt", "asFloat"):
            opcode = ExpOpcode.TO_INT if function == "asInt" else ExpOpcode.TO_FLOAT
            return Apply(opcode, function, (path,), place)
        return Path(path.bin, path.steps, path.type, function, place)

    def _name(self, what: str) -> Token:
        if self._tokens.next.kind not in ("name", "text"):
            raise mistake(f"{what} is missing", self._tokens.next.place)
        return self._tokens.take()

    def _type(self) -> int | None:
        """The type behind a colon, if there is one."""
        if self._tokens.skip(":") is None:
            return None
        name = self._tokens.take()
        if name.text not in _TYPES:
            raise mistake(f"the type {name.text!r}, which there is not", name.place)
        return _TYPES[name.text]

    def _property(self, name: Token) -> Node:
        self._tokens.need("(")
        arguments = self._items(")", self._value)
        if name.text == "key":
            kind = self._type()
            return Property(ExpOpcode.KEY, ExpType.UNKNOWN if kind is None else kind, (), name.place)
        found = _PROPERTIES.get(name.text)
        wanted = 1 if name.text == "digestModulo" else 0
        if found is None:
            raise mistake(f"the function {name.text!r}, which is not known", name.place)
        numbers = tuple(each for each in arguments if type(each) is int)
        if len(numbers) != wanted or len(arguments) != wanted:
            raise mistake(f"the arguments of {name.text}", name.place)
        return Property(*found, numbers, name.place)

    def _list_step(self) -> Step:
        """A step into a list, behind its bracket: `0]`, `#0]` for a rank, `='a']` for a value."""
        if self._tokens.skip("#"):
            step = Step(ContextType.LIST_RANK, self._whole())
        elif self._tokens.skip("="):
            step = Step(ContextType.LIST_VALUE, self._value())
        else:
            step = Step(ContextType.LIST_INDEX, self._whole())
        self._tokens.need("]")
        return step

    def _map_step(self) -> Step:
        """A step into a map, behind its brace: as into a list, and `@1}` for a key that is no text."""
        if self._tokens.skip("#"):
            step = Step(ContextType.MAP_RANK, self._whole())
        elif self._tokens.skip("="):
            step = Step(ContextType.MAP_VALUE, self._value())
        elif self._tokens.skip("@"):
            step = Step(ContextType.MAP_KEY, self._value())
        else:
            step = Step(ContextType.MAP_INDEX, self._whole())
        self._tokens.need("}")
        return step

    def _whole(self) -> int:
        place, value = self._tokens.next.place, self._value()
        if type(value) is not int:
            raise mistake("an integer is missing", place)
        return value
