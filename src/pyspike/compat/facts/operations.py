"""The operation helpers of the official client: their names, parameters, and the dictionaries that they give.

A line of a table is a helper, the constant in its dictionary's "op", the function of pyspike's module that
does the same, and the helper's parameters behind the bin: `name=default:key`, where `key` is the parameter's
place in the dictionary if that has another name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pyspike.compat.facts.constants import number

__all__ = ["FAMILIES", "Family", "Helper", "Parameter"]

REQUIRED = object()
DEFAULTS: dict[str, Any] = {"None": None, "False": False, "0": 0, "1": 1}


class Parameter(NamedTuple):
    """A parameter of a helper: its name, its default (`REQUIRED` if it has none), its key in the dictionary."""

    name: str
    default: Any
    key: str


class Helper(NamedTuple):
    """A line of a table."""

    name: str
    op: int
    function: str
    parameters: tuple[Parameter, ...]


class Family(NamedTuple):
    """The helpers of one module.

    Args:
        module: that of `pyspike.operations` with the functions; empty for the package itself.
        policy: the key that policies have in the dictionaries.
        keeps_none: whether the dictionaries have what was not given, as None.
        helpers: the lines of its table.
    """

    module: str
    policy: str
    keeps_none: bool
    helpers: tuple[Helper, ...]


LISTS = """
list_create OP_LIST_CREATE create list_order pad persist_index ctx=None
list_append OP_LIST_APPEND append value:val policy=None:list_policy ctx=None
list_append_items OP_LIST_APPEND_ITEMS append_items values:val policy=None:list_policy ctx=None
list_insert OP_LIST_INSERT insert index value:val policy=None:list_policy ctx=None
list_insert_items OP_LIST_INSERT_ITEMS insert_items index values:val policy=None:list_policy ctx=None
list_increment OP_LIST_INCREMENT increment index value:val policy=None:list_policy ctx=None
list_pop OP_LIST_POP pop index ctx=None
list_pop_range OP_LIST_POP_RANGE pop_range index count:val ctx=None
list_remove OP_LIST_REMOVE remove index ctx=None
list_remove_range OP_LIST_REMOVE_RANGE remove_range index count:val ctx=None
list_clear OP_LIST_CLEAR clear ctx=None
list_set OP_LIST_SET set index value:val policy=None:list_policy ctx=None
list_get OP_LIST_GET get index ctx=None
list_get_range OP_LIST_GET_RANGE get_range index count:val ctx=None
list_trim OP_LIST_TRIM trim index count:val ctx=None
list_size OP_LIST_SIZE size ctx=None
list_get_by_index OP_LIST_GET_BY_INDEX get_by_index index return_type ctx=None
list_get_by_index_range OP_LIST_GET_BY_INDEX_RANGE get_by_index_range index return_type count=None inverted=False ctx=None
list_get_by_rank OP_LIST_GET_BY_RANK get_by_rank rank return_type ctx=None
list_get_by_rank_range OP_LIST_GET_BY_RANK_RANGE get_by_rank_range rank return_type count=None inverted=False ctx=None
list_get_by_value OP_LIST_GET_BY_VALUE get_by_value value:val return_type inverted=False ctx=None
list_get_by_value_list OP_LIST_GET_BY_VALUE_LIST get_by_value_list value_list return_type inverted=False ctx=None
list_get_by_value_range OP_LIST_GET_BY_VALUE_RANGE get_by_value_range return_type value_begin! value_end! inverted=False ctx=None
list_remove_by_index OP_LIST_REMOVE_BY_INDEX remove_by_index index return_type ctx=None
list_remove_by_index_range OP_LIST_REMOVE_BY_INDEX_RANGE remove_by_index_range index return_type count=None inverted=False ctx=None
list_remove_by_rank OP_LIST_REMOVE_BY_RANK remove_by_rank rank return_type ctx=None
list_remove_by_rank_range OP_LIST_REMOVE_BY_RANK_RANGE remove_by_rank_range rank return_type count=None inverted=False ctx=None
list_remove_by_value OP_LIST_REMOVE_BY_VALUE remove_by_value value:val return_type inverted=False ctx=None
list_remove_by_value_list OP_LIST_REMOVE_BY_VALUE_LIST remove_by_value_list value_list return_type inverted=False ctx=None
list_remove_by_value_range OP_LIST_REMOVE_BY_VALUE_RANGE remove_by_value_range return_type value_begin=None value_end=None inverted=False ctx=None
list_set_order OP_LIST_SET_ORDER set_order list_order ctx=None
list_sort OP_LIST_SORT sort sort_flags=0 ctx=None
list_get_by_value_rank_range_relative OP_LIST_GET_BY_VALUE_RANK_RANGE_REL get_by_value_relative_rank_range value:val offset:rank return_type count=None inverted=False ctx=None
list_remove_by_value_rank_range_relative OP_LIST_REMOVE_BY_VALUE_RANK_RANGE_REL remove_by_value_relative_rank_range value:val offset:rank return_type count=None inverted=False ctx=None
list_join _OP_LIST_JOIN join separator=None ctx=None
"""

MAPS = """
map_set_policy OP_MAP_SET_POLICY set_order policy:map_policy ctx=None
map_create OP_MAP_CREATE create map_order persist_index ctx=None
map_put OP_MAP_PUT put key value:val map_policy=None ctx=None
map_put_items OP_MAP_PUT_ITEMS put_items item_dict:val map_policy=None ctx=None
map_increment OP_MAP_INCREMENT increment key amount:val map_policy=None ctx=None
map_decrement OP_MAP_DECREMENT decrement key amount:val map_policy=None ctx=None
map_size OP_MAP_SIZE size ctx=None
map_clear OP_MAP_CLEAR clear ctx=None
map_remove_by_key OP_MAP_REMOVE_BY_KEY remove_by_key key return_type ctx=None
map_remove_by_key_list OP_MAP_REMOVE_BY_KEY_LIST remove_by_key_list key_list:val return_type inverted=False ctx=None
map_remove_by_key_range OP_MAP_REMOVE_BY_KEY_RANGE remove_by_key_range key_range_start:key key_range_end:val return_type inverted=False ctx=None
map_remove_by_value OP_MAP_REMOVE_BY_VALUE remove_by_value value:val return_type inverted=False ctx=None
map_remove_by_value_list OP_MAP_REMOVE_BY_VALUE_LIST remove_by_value_list value_list:val return_type inverted=False ctx=None
map_remove_by_value_range OP_MAP_REMOVE_BY_VALUE_RANGE remove_by_value_range value_start:val value_end:range return_type inverted=False ctx=None
map_remove_by_index OP_MAP_REMOVE_BY_INDEX remove_by_index index return_type ctx=None
map_remove_by_index_range OP_MAP_REMOVE_BY_INDEX_RANGE remove_by_index_range index_start:index remove_amt:val return_type inverted=False ctx=None
map_remove_by_rank OP_MAP_REMOVE_BY_RANK remove_by_rank rank:index return_type ctx=None
map_remove_by_rank_range OP_MAP_REMOVE_BY_RANK_RANGE remove_by_rank_range rank_start:index remove_amt:val return_type inverted=False ctx=None
map_get_by_key OP_MAP_GET_BY_KEY get_by_key key return_type ctx=None
map_get_by_key_range OP_MAP_GET_BY_KEY_RANGE get_by_key_range key_range_start:key key_range_end:range return_type inverted=False ctx=None
map_get_by_key_list OP_MAP_GET_BY_KEY_LIST get_by_key_list key_list:val return_type inverted=False ctx=None
map_get_by_value OP_MAP_GET_BY_VALUE get_by_value value:val return_type inverted=False ctx=None
map_get_by_value_range OP_MAP_GET_BY_VALUE_RANGE get_by_value_range value_start:val value_end:range return_type inverted=False ctx=None
map_get_by_value_list OP_MAP_GET_BY_VALUE_LIST get_by_value_list key_list:val return_type inverted=False ctx=None
map_get_by_index OP_MAP_GET_BY_INDEX get_by_index index return_type ctx=None
map_get_by_index_range OP_MAP_GET_BY_INDEX_RANGE get_by_index_range index_start:index get_amt:val return_type inverted=False ctx=None
map_get_by_rank OP_MAP_GET_BY_RANK get_by_rank rank:index return_type ctx=None
map_get_by_rank_range OP_MAP_GET_BY_RANK_RANGE get_by_rank_range rank_start:index get_amt:val return_type inverted=False ctx=None
map_remove_by_value_rank_range_relative OP_MAP_REMOVE_BY_VALUE_RANK_RANGE_REL remove_by_value_relative_rank_range value:val offset:rank return_type count=None inverted=False ctx=None
map_get_by_value_rank_range_relative OP_MAP_GET_BY_VALUE_RANK_RANGE_REL get_by_value_relative_rank_range value:val offset:rank return_type count=None inverted=False ctx=None
map_remove_by_key_index_range_relative OP_MAP_REMOVE_BY_KEY_INDEX_RANGE_REL remove_by_key_relative_index_range key offset:index return_type count=None inverted=False ctx=None
map_get_by_key_index_range_relative OP_MAP_GET_BY_KEY_INDEX_RANGE_REL get_by_key_relative_index_range value:key offset:index return_type count=None inverted=False ctx=None
"""

BITS = """
bit_resize OP_BIT_RESIZE resize byte_size policy=None resize_flags=0
bit_remove OP_BIT_REMOVE remove byte_offset byte_size policy=None
bit_set OP_BIT_SET set bit_offset bit_size value_byte_size value policy=None
bit_set_int OP_BIT_SET_INT set_int bit_offset bit_size value policy=None
bit_count OP_BIT_COUNT count bit_offset bit_size
bit_add OP_BIT_ADD add bit_offset bit_size value sign action policy=None
bit_and OP_BIT_AND and_ bit_offset bit_size value_byte_size value policy=None
bit_get OP_BIT_GET get bit_offset bit_size
bit_get_int OP_BIT_GET_INT get_int bit_offset bit_size sign
bit_insert OP_BIT_INSERT insert byte_offset value_byte_size value policy=None
bit_lscan OP_BIT_LSCAN lscan bit_offset bit_size value
bit_lshift OP_BIT_LSHIFT lshift bit_offset bit_size shift:value policy=None
bit_not OP_BIT_NOT not_ bit_offset bit_size policy=None
bit_or OP_BIT_OR or_ bit_offset bit_size value_byte_size value policy=None
bit_rscan OP_BIT_RSCAN rscan bit_offset bit_size value
bit_rshift OP_BIT_RSHIFT rshift bit_offset bit_size shift:value policy=None
bit_subtract OP_BIT_SUBTRACT subtract bit_offset bit_size value sign action policy=None
bit_xor OP_BIT_XOR xor bit_offset bit_size value_byte_size value policy=None
bit_b64_encode _OP_BIT_B64_ENCODE b64_encode byte_offset=0 byte_size=None invert_size=False ctx=None
"""

HLLS = """
hll_add OP_HLL_ADD add values:value_list index_bit_count=None mh_bit_count=None policy=None:hll_policy
hll_describe OP_HLL_DESCRIBE describe
hll_fold OP_HLL_FOLD fold index_bit_count
hll_get_count OP_HLL_GET_COUNT get_count
hll_get_intersect_count OP_HLL_GET_INTERSECT_COUNT get_intersect_count hll_list:value_list
hll_get_similarity OP_HLL_GET_SIMILARITY get_similarity hll_list:value_list
hll_get_union OP_HLL_GET_UNION get_union hll_list:value_list
hll_get_union_count OP_HLL_GET_UNION_COUNT get_union_count hll_list:value_list
hll_init OP_HLL_INIT init index_bit_count=None mh_bit_count=None policy=None:hll_policy
hll_refresh_count OP_HLL_REFRESH_COUNT refresh_count
hll_set_union OP_HLL_SET_UNION set_union hll_list:value_list policy=None:hll_policy
"""

EXPRESSIONS = """
expression_read OP_EXPR_READ read expression:expr expression_read_flags=0:expr_flags
expression_write OP_EXPR_WRITE write expression:expr expression_write_flags=0:expr_flags
"""

STRINGS = """
strlen _OP_STRING_STRLEN strlen ctx=None
substr _OP_STRING_SUBSTR substr start ctx=None
substr_range _OP_STRING_SUBSTR_RANGE substr start end ctx=None
char_at _OP_STRING_CHAR_AT char_at index ctx=None
find _OP_STRING_FIND find needle occurrence=1 ctx=None
contains _OP_STRING_CONTAINS contains needle ctx=None
starts_with _OP_STRING_STARTS_WITH starts_with prefix ctx=None
ends_with _OP_STRING_ENDS_WITH ends_with suffix ctx=None
to_integer _OP_STRING_TO_INTEGER to_integer ctx=None
to_double _OP_STRING_TO_DOUBLE to_double ctx=None
byte_length _OP_STRING_BYTE_LENGTH byte_length ctx=None
is_numeric _OP_STRING_IS_NUMERIC is_numeric numeric_type=0 ctx=None
is_upper _OP_STRING_IS_UPPER is_upper ctx=None
is_lower _OP_STRING_IS_LOWER is_lower ctx=None
to_blob _OP_STRING_TO_BLOB to_blob ctx=None
split _OP_STRING_SPLIT split ctx=None
split_separator _OP_STRING_SPLIT_SEPARATOR split separator ctx=None
base64_decode _OP_STRING_B64_DECODE base64_decode ctx=None
regex_compare _OP_STRING_REGEX_COMPARE regex_compare pattern regex_flags=0 ctx=None
to_string _OP_STRING_TO_STRING to_string
insert _OP_STRING_INSERT insert index value policy=None ctx=None
overwrite _OP_STRING_OVERWRITE overwrite index value policy=None ctx=None
append _OP_STRING_APPEND append value policy=None ctx=None
prepend _OP_STRING_PREPEND prepend value policy=None ctx=None
concat _OP_STRING_CONCAT concat value_list policy=None ctx=None
snip _OP_STRING_SNIP snip start end=None policy=None ctx=None
replace _OP_STRING_REPLACE replace needle replacement policy=None ctx=None
replace_all _OP_STRING_REPLACE_ALL replace_all needle replacement policy=None ctx=None
upper _OP_STRING_UPPER upper policy=None ctx=None
lower _OP_STRING_LOWER lower policy=None ctx=None
casefold _OP_STRING_CASE_FOLD casefold policy=None ctx=None
normalize_nfc _OP_STRING_NORMALIZE_NFC normalize_nfc policy=None ctx=None
trim_start _OP_STRING_TRIM_START trim_start policy=None ctx=None
trim_end _OP_STRING_TRIM_END trim_end policy=None ctx=None
trim _OP_STRING_TRIM trim policy=None ctx=None
pad_start _OP_STRING_PAD_START pad_start target_length pad_string policy=None ctx=None
pad_end _OP_STRING_PAD_END pad_end target_length pad_string policy=None ctx=None
repeat _OP_STRING_REPEAT repeat count policy=None ctx=None
regex_replace _OP_STRING_REGEX_REPLACE regex_replace pattern replacement regex_flags=0 policy=None ctx=None
"""

PLAIN = """
read OPERATOR_READ get
write OPERATOR_WRITE put write_item:val
append OPERATOR_APPEND append append_item:val
prepend OPERATOR_PREPEND prepend prepend_item:val
increment OPERATOR_INCR add amount:val
"""


def _parameter(text: str) -> Parameter:
    name, _, key = text.partition(":")
    name, _, default = name.partition("=")
    if name.endswith("!"):  # must be given, and may be None
        return Parameter(name[:-1], REQUIRED, name[:-1])
    return Parameter(name, DEFAULTS[default] if default else REQUIRED, key or name)


def _family(module: str, policy: str, table: str, *, keeps_none: bool = False) -> Family:
    helpers = []
    for line in table.strip().splitlines():
        name, constant, function, *parameters = line.split()
        helpers.append(Helper(name, number(constant), function, tuple(map(_parameter, parameters))))
    return Family(module, policy, keeps_none, tuple(helpers))


FAMILIES = {
    "operations": _family("", "", PLAIN),
    "list_operations": _family("lists", "list_policy", LISTS),
    "map_operations": _family("maps", "map_policy", MAPS),
    "bitwise_operations": _family("bitwise", "policy", BITS, keeps_none=True),
    "hll_operations": _family("hll", "hll_policy", HLLS),
    "expression_operations": _family("exp", "", EXPRESSIONS),
    "string_operations": _family("strings", "policy", STRINGS, keeps_none=True),
}
