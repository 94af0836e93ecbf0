"""Expressions compile to the bytes of the official client, and bytes are shown as what makes them."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest

from pyspike import exp
from pyspike.cdt import enums
from pyspike.errors import InvalidArgument
from pyspike.exp import Expression
from pyspike.operations import context
from pyspike.values import GeoJSON, KeyOrderedDict, KeyValueOrderedDict, Special
from support.official_helpers import NotExpressible, evaluate
from support.shares import Share
from support.vectors import Case, cases, wire

COMPILED = [
    entry for group in ("expressions", "path") for entry in cases(group) if entry.raw.get("expr_bytes")
]
NAMES: dict[str, Any] = {
    **{name: getattr(enums, name) for name in enums.__all__},
    "exp": exp,
    "context": context,
    "ExpType": exp.ExpType,
    "RegexFlags": exp.RegexFlags,
    "INFINITY": Special.INFINITY,
    "WILDCARD": Special.WILDCARD,
    "GeoJSON": GeoJSON,
    "KeyOrderedDict": KeyOrderedDict,
    "KeyValueOrderedDict": KeyValueOrderedDict,
    "inf": math.inf,
    "nan": math.nan,
}


# Lists that are longer or shorter than they say; the server can't read them either.
BROKEN = {"MapIncrement-policy", "MapIncrement-update_only", "MapIncrement-create_only", "not-no-args"}


def bytes_of(recorded: Case) -> bytes:
    return wire(recorded.raw["expr_bytes"])


def built(recorded: Case) -> Expression | None:
    """pyspike's expression; None if it refuses it, of which the vectors of whole requests tell why."""
    try:
        made = evaluate(recorded.raw["expr"], recorded)
    except (ValueError, TypeError, NotExpressible):
        return None
    assert isinstance(made, Expression)
    return made


def compiled(recorded: Case) -> bytes | None:
    """Its bytes; None also for one that can't be sent."""
    made = built(recorded)
    if made is None or recorded.name == "var-undefined/read":
        return None
    return made.to_bytes()


def test_expressions_compile_to_the_recorded_bytes(share: Share) -> None:
    different = set()
    refused = set()
    for recorded in COMPILED:
        data = compiled(recorded)
        if data is None:
            refused.add(recorded.name.split("/")[0])
        elif data != bytes_of(recorded):
            different.add(recorded.name.split("/")[0])
    names = [recorded.name.split("/")[0] for recorded in COMPILED]
    listed = sum(name in different | refused for name in names)
    share("expressions, compiled", "are the same bytes; the others are listed", len(names), listed)
    assert len(COMPILED) == 1008
    assert different == {
        "val-hll",
        "HLLGetUnion-val",
        "HLLGetUnionCount-val",
        "HLLGetIntersectCount-val",
        "HLLGetSimilarity-val",
        "MapIncrement-policy",
        "MapIncrement-update_only",
        "MapIncrement-create_only",
    }
    assert refused == {
        "add-mixed",
        "and-0",
        "and-1",
        "cmp-Eq-geo",
        "cmp-Eq-hll",
        "cmp-Eq-none",
        "cmp-type-mismatch",
        "exp-select-map",
        "exp-select-map-as-map",
        "let-no-def",
        "not-no-args",
        "var-undefined",
    }


def test_decoded_expressions_keep_their_bytes_and_their_type() -> None:
    for recorded in COMPILED:
        data = bytes_of(recorded)
        if recorded.name.split("/")[0] in BROKEN:
            with pytest.raises(InvalidArgument, match="no expression"):
                Expression.from_bytes(data)
            continue
        decoded = Expression.from_bytes(data)
        assert decoded.to_bytes() == data
        assert Expression.from_base64(decoded.to_base64()).same_as(decoded)
        if compiled(recorded) == data:
            made = built(recorded)
            assert made is not None
            assert decoded.type == made.type


def test_the_repr_of_built_and_decoded_expressions_makes_them() -> None:
    shown = 0
    for recorded in COMPILED:
        made, data = built(recorded), compiled(recorded)
        if made is None or data is None:
            continue
        text = repr(made)
        assert text == repr(Expression.from_bytes(data))
        if "…" not in text and "HyperLogLog" not in text:
            assert eval(text, dict(NAMES)).same_as(made), text
            shown += 1
    assert shown > 900


def test_every_class_of_the_official_client_has_a_function() -> None:
    """The names in the recorded sources, which are all of `aerospike_helpers.expressions` 19.3."""
    used = set()
    for recorded in COMPILED:
        for part in ast.walk(ast.parse(recorded.raw["expr"])):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "e":
                used.add(part.attr)
    assert len(used) > 190
    names = vars(evaluate("e")) | vars(type(evaluate("e")))
    assert used <= names.keys()


def test_every_function_of_the_rust_client_is_there() -> None:
    """The 175 functions of aerospike-client-rust 2.1, in Python's spelling."""
    assert len(set(RUST.split())) == len(RUST.split()) == 175
    for name in RUST.split():
        target: Any = exp
        for part in RENAMED.get(name, name).split("."):
            target = getattr(target, part)
        assert callable(target), name


RUST = """
key key_exists int_bin bool_bin string_bin blob_bin float_bin geo_bin list_bin map_bin hll_bin bin_exists
bin_type set_name record_size device_size memory_size last_update since_update void_time ttl is_tombstone
digest_modulo regex_compare geo_compare int_val bool_val string_val float_val blob_val list_val map_val
geo_val nil infinity wildcard not and or xor eq ne gt ge lt le num_add num_sub num_mul num_div num_pow
num_log num_mod num_abs num_floor num_ceil to_int to_float int_and int_or int_xor int_not int_lshift
int_rshift int_arshift int_count int_lscan int_rscan min max cond exp_let def var unknown base64 from_base64
lists.append lists.append_items lists.insert lists.insert_items lists.increment lists.set lists.clear
lists.sort lists.remove_by_value lists.remove_by_value_list lists.remove_by_value_range
lists.remove_by_value_relative_rank_range lists.remove_by_value_relative_rank_range_count
lists.remove_by_index lists.remove_by_index_range lists.remove_by_index_range_count lists.remove_by_rank
lists.remove_by_rank_range lists.remove_by_rank_range_count lists.size lists.get_by_value
lists.get_by_value_range lists.get_by_value_list lists.get_by_value_relative_rank_range
lists.get_by_value_relative_rank_range_count lists.get_by_index lists.get_by_index_range
lists.get_by_index_range_count lists.get_by_rank lists.get_by_rank_range lists.get_by_rank_range_count
maps.put maps.put_items maps.increment maps.clear maps.remove_by_key maps.remove_by_key_list
maps.remove_by_key_range maps.remove_by_key_relative_index_range
maps.remove_by_key_relative_index_range_count maps.remove_by_value maps.remove_by_value_list
maps.remove_by_value_range maps.remove_by_value_relative_rank_range
maps.remove_by_value_relative_rank_range_count maps.remove_by_index maps.remove_by_index_range
maps.remove_by_index_range_count maps.remove_by_rank maps.remove_by_rank_range
maps.remove_by_rank_range_count maps.size maps.get_by_key maps.get_by_key_range maps.get_by_key_list
maps.get_by_key_relative_index_range maps.get_by_key_relative_index_range_count maps.get_by_value
maps.get_by_value_range maps.get_by_value_list maps.get_by_value_relative_rank_range
maps.get_by_value_relative_rank_range_count maps.get_by_index maps.get_by_index_range
maps.get_by_index_range_count maps.get_by_rank maps.get_by_rank_range maps.get_by_rank_range_count
bitwise.resize bitwise.insert bitwise.remove bitwise.set bitwise.or bitwise.xor bitwise.and bitwise.not
bitwise.lshift bitwise.rshift bitwise.add bitwise.subtract bitwise.set_int bitwise.get bitwise.count
bitwise.lscan bitwise.rscan bitwise.get_int hll.init hll.init_with_min_hash hll.add hll.add_with_index
hll.add_with_index_and_min_hash hll.get_count hll.get_union hll.get_union_count hll.get_intersect_count
hll.get_similarity hll.describe hll.may_contain
"""
RENAMED = {
    "not": "not_",
    "and": "and_",
    "or": "or_",
    "def": "define",
    "exp_let": "let",
    "base64": "Expression.to_base64",
    "from_base64": "Expression.from_base64",
    "bitwise.or": "bitwise.or_",
    "bitwise.and": "bitwise.and_",
    "bitwise.not": "bitwise.not_",
    "hll.init_with_min_hash": "hll.init",
    "hll.add_with_index": "hll.add",
    "hll.add_with_index_and_min_hash": "hll.add",
    # A count is an argument that may be left out.
    **{name: name.removesuffix("_count") for name in RUST.split() if name.endswith("_range_count")},
}
