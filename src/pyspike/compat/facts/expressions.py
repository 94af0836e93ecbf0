"""The expression classes of the official client: their names, parameters, and pyspike's functions for them.

A line of a table is a class, pyspike's function by its name in `pyspike.exp`, and the class's parameters;
`name=default` for those that may be left out, `*name` for any number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = [
    "BASE",
    "BITS",
    "HLLS",
    "INT_BITS",
    "LISTS",
    "LOOP_VARIABLES",
    "MAPS",
    "NUMBERS",
    "STRINGS",
    "Row",
    "rows",
]


class Row(NamedTuple):
    """A line of a table.

    Args:
        name: the class.
        function: pyspike's function.
        names: the parameters.
        defaults: those of parameters that may be left out.
        several: whether the one parameter stands for any number of arguments.
        source: the parameter that is a str where it names a bin; empty if there is none.
        place: which of the function's arguments that is.
    """

    name: str
    function: str
    names: tuple[str, ...]
    defaults: dict[str, Any]
    several: bool
    source: str
    place: int


SOURCES = ("bin", "map_value")
DEFAULTS: dict[str, Any] = {"False": False, "None": None, "0": 0}


def rows(table: str) -> list[Row]:
    """The lines of a table."""
    return [_row(*line.split()) for line in table.strip().splitlines()]


def _row(name: str, function: str, *parameters: str) -> Row:
    pairs = [parameter.partition("=") for parameter in parameters]
    names = tuple(each.removeprefix("*") for each, _, _ in pairs)
    return Row(
        name,
        function,
        names,
        {each: DEFAULTS[default] for each, _, default in pairs if default},
        parameters[:1] != () and parameters[0].startswith("*"),
        next((each for each in names if each in SOURCES), ""),
        1 if function == "in_list" else 0,
    )


BASE = """
Unknown unknown
KeyExists key_exists
BoolBin bool_bin bin
IntBin int_bin bin
StrBin str_bin bin
FloatBin float_bin bin
BlobBin blob_bin bin
GeoBin geo_bin bin
ListBin list_bin bin
MapBin map_bin bin
HLLBin hll_bin bin
BinExists bin_exists bin
BinType bin_type bin
SetName set_name
DeviceSize device_size
MemorySize memory_size
RecordSize record_size
LastUpdateTime last_update
SinceUpdateTime since_update
VoidTime void_time
TTL ttl
IsTombstone is_tombstone
DigestMod digest_modulo mod
Eq eq expr0 expr1
NE ne expr0 expr1
GT gt expr0 expr1
GE ge expr0 expr1
LT lt expr0 expr1
LE le expr0 expr1
CmpGeo geo_compare expr0 expr1
Not not_ *exprs
And and_ *exprs
Or or_ *exprs
Exclusive xor *exprs
Cond cond *exprs
Let let *exprs
Def define var_name expr
Var var var_name
RemoveResult remove_result
"""

NUMBERS = """
Add num_add *args
Sub num_sub *args
Mul num_mul *args
Div num_div *args
Pow num_pow base exponent
Log num_log num base
Mod num_mod numerator denominator
Abs num_abs value
Floor num_floor value
Ceil num_ceil value
ToInt to_int value
ToFloat to_float value
Min min *args
Max max *args
"""

INT_BITS = """
IntAnd int_and *exprs
IntOr int_or *exprs
IntXOr int_xor *exprs
IntNot int_not expr
IntLeftShift int_lshift value shift
IntRightShift int_rshift value shift
IntArithmeticRightShift int_arshift value shift
IntCount int_count value
IntLeftScan int_lscan value search
IntRightScan int_rscan value search
"""

# The types of loop variables, in the order of their numbers.
LOOP_VARIABLES = ("Nil", "Bool", "Int", "Str", "List", "Map", "Blob", "Float", "GeoJson", "HLL")

LISTS = """
ListAppend lists.append ctx policy value bin
ListAppendItems lists.append_items ctx policy value bin
ListInsert lists.insert ctx policy index value bin
ListInsertItems lists.insert_items ctx policy index values bin
ListIncrement lists.increment ctx policy index value bin
ListSet lists.set ctx policy index value bin
ListClear lists.clear ctx bin
ListSort lists.sort ctx order bin
ListRemoveByValue lists.remove_by_value ctx value bin inverted=False
ListRemoveByValueList lists.remove_by_value_list ctx values bin inverted=False
ListRemoveByValueRange lists.remove_by_value_range ctx begin end bin inverted=False
ListRemoveByValueRelRankToEnd lists.remove_by_value_relative_rank_range ctx value rank bin inverted=False
ListRemoveByValueRelRankRange lists.remove_by_value_relative_rank_range ctx value rank count bin inverted=False
ListRemoveByIndex lists.remove_by_index ctx index bin
ListRemoveByIndexRangeToEnd lists.remove_by_index_range ctx index bin inverted=False
ListRemoveByIndexRange lists.remove_by_index_range ctx index count bin inverted=False
ListRemoveByRank lists.remove_by_rank ctx rank bin
ListRemoveByRankRangeToEnd lists.remove_by_rank_range ctx rank bin inverted=False
ListRemoveByRankRange lists.remove_by_rank_range ctx rank count bin inverted=False
ListSize lists.size ctx bin
ListGetByValue lists.get_by_value ctx return_type value bin inverted=False
ListGetByValueRange lists.get_by_value_range ctx return_type value_begin value_end bin inverted=False
ListGetByValueList lists.get_by_value_list ctx return_type value bin inverted=False
ListGetByValueRelRankRangeToEnd lists.get_by_value_relative_rank_range ctx return_type value rank bin inverted=False
ListGetByValueRelRankRange lists.get_by_value_relative_rank_range ctx return_type value rank count bin inverted=False
ListGetByIndex lists.get_by_index ctx return_type value_type index bin
ListGetByIndexRangeToEnd lists.get_by_index_range ctx return_type index bin inverted=False
ListGetByIndexRange lists.get_by_index_range ctx return_type index count bin inverted=False
ListGetByRank lists.get_by_rank ctx return_type value_type rank bin
ListGetByRankRangeToEnd lists.get_by_rank_range ctx return_type rank bin inverted=False
ListGetByRankRange lists.get_by_rank_range ctx return_type rank count bin inverted=False
ListJoin lists.join ctx separator bin
InList in_list value bin
"""

MAPS = """
MapPut maps.put ctx policy key value bin
MapPutItems maps.put_items ctx policy map bin
MapIncrement maps.increment ctx policy key value bin
MapClear maps.clear ctx bin
MapRemoveByKey maps.remove_by_key ctx key bin
MapRemoveByKeyList maps.remove_by_key_list ctx keys bin inverted=False
MapRemoveByKeyRange maps.remove_by_key_range ctx begin end bin inverted=False
MapRemoveByKeyRelIndexRangeToEnd maps.remove_by_key_relative_index_range ctx key index bin inverted=False
MapRemoveByKeyRelIndexRange maps.remove_by_key_relative_index_range ctx key index count bin inverted=False
MapRemoveByValue maps.remove_by_value ctx value bin inverted=False
MapRemoveByValueList maps.remove_by_value_list ctx values bin inverted=False
MapRemoveByValueRange maps.remove_by_value_range ctx begin end bin inverted=False
MapRemoveByValueRelRankRangeToEnd maps.remove_by_value_relative_rank_range ctx value rank bin inverted=False
MapRemoveByValueRelRankRange maps.remove_by_value_relative_rank_range ctx value rank count bin inverted=False
MapRemoveByIndex maps.remove_by_index ctx index bin
MapRemoveByIndexRangeToEnd maps.remove_by_index_range ctx index bin inverted=False
MapRemoveByIndexRange maps.remove_by_index_range ctx index count bin inverted=False
MapRemoveByRank maps.remove_by_rank ctx rank bin
MapRemoveByRankRangeToEnd maps.remove_by_rank_range ctx rank bin inverted=False
MapRemoveByRankRange maps.remove_by_rank_range ctx rank count bin inverted=False
MapSize maps.size ctx bin
MapGetByKey maps.get_by_key ctx return_type value_type key bin
MapGetByKeyRange maps.get_by_key_range ctx return_type begin end bin inverted=False
MapGetByKeyList maps.get_by_key_list ctx return_type keys bin inverted=False
MapGetByKeyRelIndexRangeToEnd maps.get_by_key_relative_index_range ctx return_type key index bin inverted=False
MapGetByKeyRelIndexRange maps.get_by_key_relative_index_range ctx return_type key index count bin inverted=False
MapGetByValue maps.get_by_value ctx return_type value bin inverted=False
MapGetByValueRange maps.get_by_value_range ctx return_type value_begin value_end bin inverted=False
MapGetByValueList maps.get_by_value_list ctx return_type value bin inverted=False
MapGetByValueRelRankRangeToEnd maps.get_by_value_relative_rank_range ctx return_type value rank bin inverted=False
MapGetByValueRelRankRange maps.get_by_value_relative_rank_range ctx return_type value rank count bin inverted=False
MapGetByIndex maps.get_by_index ctx return_type value_type index bin
MapGetByIndexRangeToEnd maps.get_by_index_range ctx return_type index bin inverted=False
MapGetByIndexRange maps.get_by_index_range ctx return_type index count bin inverted=False
MapGetByRank maps.get_by_rank ctx return_type value_type rank bin
MapGetByRankRangeToEnd maps.get_by_rank_range ctx return_type rank bin inverted=False
MapGetByRankRange maps.get_by_rank_range ctx return_type rank count bin inverted=False
MapGetKeys map_keys map_value
MapGetValues map_values map_value
"""

BITS = """
BitResize bitwise.resize policy byte_size flags bin
BitInsert bitwise.insert policy byte_offset value bin
BitRemove bitwise.remove policy byte_offset byte_size bin
BitSet bitwise.set policy bit_offset bit_size value bin
BitOr bitwise.or_ policy bit_offset bit_size value bin
BitXor bitwise.xor policy bit_offset bit_size value bin
BitAnd bitwise.and_ policy bit_offset bit_size value bin
BitNot bitwise.not_ policy bit_offset bit_size bin
BitLeftShift bitwise.lshift policy bit_offset bit_size shift bin
BitRightShift bitwise.rshift policy bit_offset bit_size shift bin
BitAdd bitwise.add policy bit_offset bit_size value action bin
BitSubtract bitwise.subtract policy bit_offset bit_size value action bin
BitSetInt bitwise.set_int policy bit_offset bit_size value bin
BitGet bitwise.get bit_offset bit_size bin
BitCount bitwise.count bit_offset bit_size bin
BitLeftScan bitwise.lscan bit_offset bit_size value bin
BitRightScan bitwise.rscan bit_offset bit_size value bin
BitGetInt bitwise.get_int bit_offset bit_size sign bin
BitB64Encode bitwise.b64_encode byte_offset byte_size invert_size bin
"""

HLLS = """
HLLInit hll.init policy index_bit_count mh_bit_count bin
HLLAdd hll.add policy list index_bit_count mh_bit_count bin
HLLGetCount hll.get_count bin
HLLGetUnion hll.get_union values bin
HLLGetUnionCount hll.get_union_count values bin
HLLGetIntersectCount hll.get_intersect_count values bin
HLLGetSimilarity hll.get_similarity values bin
HLLDescribe hll.describe bin
HLLMayContain hll.may_contain list bin
"""

STRINGS = """
StrLen strings.strlen bin
SubStr strings.substr start bin
SubStrRange strings.substr start end bin
CharAt strings.char_at index bin
Find strings.find needle occurrence bin
Contains strings.contains needle bin
StartsWith strings.starts_with prefix bin
EndsWith strings.ends_with suffix bin
ToInteger strings.to_integer bin
ToDouble strings.to_double bin
ByteLength strings.byte_length bin
IsNumeric strings.is_numeric numeric_type bin
IsUpper strings.is_upper bin
IsLower strings.is_lower bin
ToBlob strings.to_blob bin
Split strings.split bin
SplitSeparator strings.split separator bin
Base64Decode strings.base64_decode bin
RegexCompare strings.regex_compare pattern bin regex_flags=0
ToString strings.to_string bin
Insert strings.insert policy index value bin
Overwrite strings.overwrite policy index value bin
Append strings.append policy value bin
Prepend strings.prepend policy value bin
Concat strings.concat policy values bin
Snip strings.snip policy start end bin
Replace strings.replace policy needle replacement bin
ReplaceAll strings.replace_all policy needle replacement bin
Upper strings.upper policy bin
Lower strings.lower policy bin
CaseFold strings.casefold policy bin
NormalizeNFC strings.normalize_nfc policy bin
TrimStart strings.trim_start policy bin
TrimEnd strings.trim_end policy bin
Trim strings.trim policy bin
PadStart strings.pad_start policy target_length pad_string bin
PadEnd strings.pad_end policy target_length pad_string bin
Repeat strings.repeat policy count bin
RegexReplace strings.regex_replace policy pattern replacement regex_flags bin
"""
