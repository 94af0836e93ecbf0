"""Every operation of the Rust client 2.1 is there; test_official_package has those of the official client."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import pyspike.operations
from pyspike import exp

# Of aerospike-client-rust 2.1, without what only makes policies; "_from" and "_count" are an argument here.
RUST = """
lists: create create_with_index set_order set_order_with_index append append_items insert insert_items pop
pop_range pop_range_from remove remove_range remove_range_from remove_by_value remove_by_value_list
remove_by_value_range remove_by_value_relative_rank_range remove_by_value_relative_rank_range_count
remove_by_index remove_by_index_range remove_by_index_range_count remove_by_rank remove_by_rank_range
remove_by_rank_range_count set set_with_policy trim clear increment increment_by_one
increment_by_one_with_policy size get get_range get_range_from get_by_value get_by_value_list
get_by_value_range get_by_index get_by_index_range get_by_index_range_count get_by_rank get_by_rank_range
get_by_rank_range_count get_by_value_relative_rank_range get_by_value_relative_rank_range_count sort
maps: create create_with_index set_policy set_order put put_items increment_value decrement_value clear
remove_by_key remove_by_key_list remove_by_key_range remove_by_value remove_by_value_list
remove_by_value_range remove_by_index remove_by_index_range remove_by_index_range_from remove_by_rank
remove_by_rank_range remove_by_rank_range_from size get_by_key get_by_key_range get_by_value
get_by_value_range get_by_index get_by_index_range get_by_index_range_from get_by_rank get_by_rank_range
get_by_rank_range_from remove_by_key_relative_index_range remove_by_key_relative_index_range_count
remove_by_value_relative_rank_range remove_by_value_relative_rank_range_count get_by_key_list
get_by_value_list get_by_key_relative_index_range get_by_key_relative_index_range_count
get_by_value_relative_rank_range get_by_value_relative_rank_range_count
bitwise: resize insert remove set or xor and not lshift rshift add subtract set_int get count lscan rscan
get_int
hll: init init_with_min_hash add add_with_index add_with_index_and_min_hash set_union refresh_count fold
get_count get_union get_union_count get_intersect_count get_similarity describe
exp: write_exp read_exp
context: to_base64 ctx_list_index ctx_list_index_create ctx_list_rank ctx_list_value ctx_map_index
ctx_map_rank ctx_map_key ctx_map_key_create ctx_map_value
"""
ENDINGS = (
    "_with_index_and_min_hash",
    "_with_min_hash",
    "_with_index",
    "_with_policy",
    "_by_one",
    "_from",
    "_count",
)
RENAMED = {
    "or": "or_",
    "and": "and_",
    "not": "not_",
    "set_policy": "set_order",
    "increment_value": "increment",
    "decrement_value": "decrement",
    "write_exp": "write",
    "read_exp": "read",
}


def ours(name: str, module: Any) -> Any:
    name = RENAMED.get(name, name.removeprefix("ctx_"))
    for ending in ENDINGS:
        if not hasattr(module, name):
            name = name.removesuffix(ending)
    return getattr(module, name)


def test_every_operation_of_the_rust_client_is_there() -> None:
    module: Any = None
    seen = 0
    for word in RUST.split():
        if word.endswith(":"):
            module = getattr(pyspike.operations, word[:-1])
        else:
            assert callable(ours(word, module)), word
            seen += 1
    assert seen == 134


MODULES = [
    *(
        getattr(pyspike.operations, name)
        for name in ("lists", "maps", "bitwise", "hll", "exp", "paths", "strings")
    ),
    *(getattr(exp, name) for name in ("lists", "maps", "bitwise", "hll", "paths", "strings")),
    pyspike.operations.context,
    exp,
]


@pytest.mark.parametrize("module", [*MODULES, pyspike.operations], ids=lambda module: module.__name__)
def test_the_docstrings_name_every_argument(module: Any) -> None:
    """A function's own docstring, or that of its module, which tells of what its functions share."""
    for name in module.__all__:
        entry = getattr(module, name)
        if not inspect.isroutine(entry):
            continue
        told = f"{inspect.getmodule(entry).__doc__}\n{entry.__doc__}"  # type: ignore[union-attr]
        for parameter in inspect.signature(entry).parameters:
            assert re.search(rf"`{parameter}`|^ *{parameter}:", told, re.MULTILINE), (name, parameter)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_everything_public_is_documented_and_typed(module: Any) -> None:
    assert module.__doc__
    for name in module.__all__:
        entry = getattr(module, name)
        if inspect.isroutine(entry):
            assert entry.__doc__, name
            signature = inspect.signature(entry)
            assert signature.return_annotation is not inspect.Signature.empty
            for parameter in signature.parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)
