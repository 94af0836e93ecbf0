"""What each kind of expression takes and gives: the server's rules (expressions.md 6.4), once for the
functions that build expressions and for the check of variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspike.cdt.opcodes import ExpOp
from pyspike.cdt.types import BIN_FUNCTIONS, ExpType, named
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import clipped
from pyspike.showing import shown as shortened

__all__ = ["SIGNATURES", "Signature", "Types", "for_a_bin", "misfit", "result_of", "uniform"]


NIL, BOOL, INT, STRING, LIST, MAP, BLOB, FLOAT, GEO, HLL = ExpType
Types = tuple[ExpType, ...]

NUMBER: Types = (INT, FLOAT)
COMPARABLE: Types = (NIL, BOOL, INT, STRING, LIST, MAP, BLOB, FLOAT)
ANY: Types = tuple(ExpType)


@dataclass(frozen=True, slots=True)
class Signature:
    """What an expression takes and gives.

    Args:
        name: the function of `pyspike.exp`.
        takes: the types that each argument may have.
        gives: the type of the result; None: that of the arguments.
        more: whether the last argument may be repeated.
        uniform: whether all arguments must have one type.
    """

    name: str
    takes: tuple[Types, ...]
    gives: ExpType | None
    more: bool = False
    uniform: bool = False


def _comparison(name: str) -> Signature:
    return Signature(name, (COMPARABLE, COMPARABLE), BOOL, uniform=True)


def _several(name: str, kinds: Types, gives: ExpType | None, least: int) -> Signature:
    return Signature(name, (kinds,) * least, gives, more=True, uniform=True)


SIGNATURES = {
    ExpOp.EQ: _comparison("eq"),
    ExpOp.NE: _comparison("ne"),
    ExpOp.GT: _comparison("gt"),
    ExpOp.GE: _comparison("ge"),
    ExpOp.LT: _comparison("lt"),
    ExpOp.LE: _comparison("le"),
    ExpOp.REGEX: Signature("regex_compare", ((STRING,),), BOOL),
    ExpOp.GEO: Signature("geo_compare", ((GEO,), (GEO,)), BOOL),
    ExpOp.IN_LIST: Signature("in_list", (ANY, (LIST,)), BOOL),
    ExpOp.AND: _several("and_", (BOOL,), BOOL, 2),
    ExpOp.OR: _several("or_", (BOOL,), BOOL, 2),
    ExpOp.NOT: Signature("not_", ((BOOL,),), BOOL),
    ExpOp.EXCLUSIVE: _several("xor", (BOOL,), BOOL, 2),
    ExpOp.ADD: _several("num_add", NUMBER, None, 1),
    ExpOp.SUB: _several("num_sub", NUMBER, None, 1),
    ExpOp.MUL: _several("num_mul", NUMBER, None, 1),
    ExpOp.DIV: _several("num_div", NUMBER, None, 1),
    ExpOp.POW: Signature("num_pow", ((FLOAT,), (FLOAT,)), FLOAT),
    ExpOp.LOG: Signature("num_log", ((FLOAT,), (FLOAT,)), FLOAT),
    ExpOp.MOD: Signature("num_mod", ((INT,), (INT,)), INT),
    ExpOp.ABS: Signature("num_abs", (NUMBER,), None),
    ExpOp.FLOOR: Signature("num_floor", ((FLOAT,),), FLOAT),
    ExpOp.CEIL: Signature("num_ceil", ((FLOAT,),), FLOAT),
    ExpOp.TO_INT: Signature("to_int", ((FLOAT,),), INT),
    ExpOp.TO_FLOAT: Signature("to_float", ((INT,),), FLOAT),
    ExpOp.INT_AND: _several("int_and", (INT,), INT, 2),
    ExpOp.INT_OR: _several("int_or", (INT,), INT, 2),
    ExpOp.INT_XOR: _several("int_xor", (INT,), INT, 2),
    ExpOp.INT_NOT: Signature("int_not", ((INT,),), INT),
    ExpOp.INT_LSHIFT: Signature("int_lshift", ((INT,), (INT,)), INT),
    ExpOp.INT_RSHIFT: Signature("int_rshift", ((INT,), (INT,)), INT),
    ExpOp.INT_ARSHIFT: Signature("int_arshift", ((INT,), (INT,)), INT),
    ExpOp.INT_COUNT: Signature("int_count", ((INT,),), INT),
    ExpOp.INT_LSCAN: Signature("int_lscan", ((INT,), (BOOL,)), INT),
    ExpOp.INT_RSCAN: Signature("int_rscan", ((INT,), (BOOL,)), INT),
    ExpOp.MIN: _several("min", NUMBER, None, 1),
    ExpOp.MAX: _several("max", NUMBER, None, 1),
    ExpOp.DIGEST_MODULO: Signature("digest_modulo", (), INT),
    ExpOp.DEVICE_SIZE: Signature("device_size", (), INT),
    ExpOp.LAST_UPDATE: Signature("last_update", (), INT),
    ExpOp.SINCE_UPDATE: Signature("since_update", (), INT),
    ExpOp.VOID_TIME: Signature("void_time", (), INT),
    ExpOp.TTL: Signature("ttl", (), INT),
    ExpOp.SET_NAME: Signature("set_name", (), STRING),
    ExpOp.KEY_EXISTS: Signature("key_exists", (), BOOL),
    ExpOp.IS_TOMBSTONE: Signature("is_tombstone", (), BOOL),
    ExpOp.MEMORY_SIZE: Signature("memory_size", (), INT),
    ExpOp.RECORD_SIZE: Signature("record_size", (), INT),
    ExpOp.BIN_TYPE: Signature("bin_type", (), INT),
    ExpOp.TO_STRING: Signature("strings.to_string", (ANY,), STRING),
    ExpOp.MAP_KEYS: Signature("map_keys", ((MAP,),), LIST),
    ExpOp.MAP_VALUES: Signature("map_values", ((MAP,),), LIST),
}


def result_of(
    op: ExpOp, types: Sequence[ExpType | None], shown: Callable[[int], str], given: Sequence[object] = ()
) -> ExpType | None:
    """The type of an expression with arguments of these types; None stands for one that is not known.

    Args:
        op: the expression.
        types: those of its arguments.
        shown: the text of an argument, by its place from 0.
        given: the arguments as the caller gave them, of which a str may have been meant for a bin.

    Raises:
        InvalidArgument: there are too few or too many arguments.
        InvalidType: one is of a type that does not fit.
    """
    signature = SIGNATURES[op]
    least = len(signature.takes)
    if len(types) < least or (len(types) > least and not signature.more):
        how_many = f"at least {least}" if signature.more else f"{least}"
        raise InvalidArgument(f"exp.{signature.name} takes {how_many} arguments, not {len(types)}")
    for place, kind in enumerate(types):
        allowed = signature.takes[min(place, least - 1)]
        if kind is not None and kind not in allowed:
            raise misfit(signature.name, place, shown(place), kind, allowed, given[place] if given else None)
    return uniform(signature, types, shown, given) if signature.uniform else _given(signature, types)


def uniform(
    signature: Signature,
    types: Sequence[ExpType | None],
    shown: Callable[[int], str],
    given: Sequence[object] = (),
) -> ExpType | None:
    """The result's type once it is clear that all arguments are of one type."""
    known = [(place, kind) for place, kind in enumerate(types) if kind is not None]
    for place, kind in known[1:]:
        first, wanted = known[0]
        if kind is not wanted:
            raise InvalidType(
                f"exp.{signature.name}: argument {place + 1}, {clipped(shown(place))}, is {named(kind)}, "
                f"but argument {first + 1}, {clipped(shown(first))}, is {named(wanted)}",
                advice=for_a_bin(given[place] if given else None, wanted)
                or for_a_bin(given[first] if given else None, kind)
                or _advice(kind, wanted),
            )
    return _given(signature, types)


def _given(signature: Signature, types: Sequence[ExpType | None]) -> ExpType | None:
    if signature.gives is not None:
        return signature.gives
    return next((kind for kind in types if kind is not None), None)


def _advice(kind: ExpType, wanted: ExpType) -> str:
    if {kind, wanted} == {INT, FLOAT}:
        return "make both of one type: write 2.0 for 2, or use exp.to_float or exp.to_int"
    return "the server compares and computes with values of one type only"


def for_a_bin(given: object, kind: ExpType | None) -> str:
    """The words for a bin, where a str was given and a value of this type is meant; else nothing."""
    if type(given) is not str or kind is None or kind not in BIN_FUNCTIONS:
        return ""
    return f"for the bin of that name write exp.{BIN_FUNCTIONS[kind]}({shortened(given)})"


def misfit(
    name: str, place: int, shown: str, kind: ExpType | None, allowed: Types, given: object = None
) -> InvalidType:
    """The error for an argument of a type that does not fit, which was `given` as it is."""
    if allowed == COMPARABLE:
        wanted = f"the server does not compare {named(kind)}"
    else:
        wanted = f"it must be {' or '.join(map(named, allowed))}"
    advice = for_a_bin(given, next((each for each in allowed if each in BIN_FUNCTIONS), None))
    if kind is not None and kind in NUMBER and len(allowed) == 1 and allowed[0] in NUMBER:
        advice = _advice(kind, allowed[0])
    return InvalidType(
        f"exp.{name}: argument {place + 1}, {clipped(shown)}, is {named(kind)}; {wanted}", advice=advice
    )
