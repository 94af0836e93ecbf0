"""The constants and helpers of the official client 19.3 that recorded calls use.

A line of a table is a helper, pyspike's function for it, and the names of the helper's parameters.
"""
# ruff: noqa: E501 - lines of tables

from __future__ import annotations

from typing import Any

CONSTANTS: dict[str, Any] = {
    **{f"LIST_RETURN_{name}": number for name, number in (
        ("NONE", 0), ("INDEX", 1), ("REVERSE_INDEX", 2), ("RANK", 3), ("REVERSE_RANK", 4), ("COUNT", 5),
        ("VALUE", 7), ("EXISTS", 13),
    )},
    **{f"MAP_RETURN_{name}": number for name, number in (
        ("NONE", 0), ("INDEX", 1), ("REVERSE_INDEX", 2), ("RANK", 3), ("REVERSE_RANK", 4), ("COUNT", 5),
        ("KEY", 6), ("VALUE", 7), ("KEY_VALUE", 8), ("EXISTS", 13), ("UNORDERED_MAP", 16), ("ORDERED_MAP", 17),
    )},
    "LIST_UNORDERED": 0, "LIST_ORDERED": 1,
    "LIST_SORT_DEFAULT": 0, "LIST_SORT_DROP_DUPLICATES": 2,
    "LIST_WRITE_DEFAULT": 0, "LIST_WRITE_ADD_UNIQUE": 1, "LIST_WRITE_INSERT_BOUNDED": 2,
    "LIST_WRITE_NO_FAIL": 4, "LIST_WRITE_PARTIAL": 8,
    "MAP_UNORDERED": 0, "MAP_KEY_ORDERED": 1, "MAP_KEY_VALUE_ORDERED": 3,
    "MAP_WRITE_FLAGS_DEFAULT": 0, "MAP_WRITE_FLAGS_CREATE_ONLY": 1, "MAP_WRITE_FLAGS_UPDATE_ONLY": 2,
    "MAP_WRITE_FLAGS_NO_FAIL": 4, "MAP_WRITE_NO_FAIL": 4, "MAP_WRITE_FLAGS_PARTIAL": 8, "MAP_WRITE_PARTIAL": 8,
    "BIT_WRITE_DEFAULT": 0, "BIT_WRITE_CREATE_ONLY": 1, "BIT_WRITE_UPDATE_ONLY": 2, "BIT_WRITE_NO_FAIL": 4,
    "BIT_WRITE_PARTIAL": 8,
    "BIT_RESIZE_DEFAULT": 0, "BIT_RESIZE_FROM_FRONT": 1, "BIT_RESIZE_GROW_ONLY": 2, "BIT_RESIZE_SHRINK_ONLY": 4,
    "BIT_OVERFLOW_FAIL": 0, "BIT_OVERFLOW_SATURATE": 2, "BIT_OVERFLOW_WRAP": 4,
    "HLL_WRITE_DEFAULT": 0, "HLL_WRITE_CREATE_ONLY": 1, "HLL_WRITE_UPDATE_ONLY": 2, "HLL_WRITE_NO_FAIL": 4,
    "HLL_WRITE_ALLOW_FOLD": 8,
    "EXP_READ_EVAL_NO_FAIL": 16,
    "EXP_WRITE_DEFAULT": 0, "EXP_WRITE_CREATE_ONLY": 1, "EXP_WRITE_UPDATE_ONLY": 2, "EXP_WRITE_ALLOW_DELETE": 4,
    "EXP_WRITE_POLICY_NO_FAIL": 8, "EXP_WRITE_EVAL_NO_FAIL": 16,
    "EXP_PATH_SELECT_MATCHING_TREE": 0, "EXP_PATH_SELECT_VALUE": 1, "EXP_PATH_SELECT_MAP_KEY": 2,
    "EXP_PATH_SELECT_MAP_KEY_VALUE": 3, "EXP_PATH_SELECT_NO_FAIL": 16,
    "EXP_PATH_MODIFY_DEFAULT": 0, "EXP_PATH_MODIFY_NO_FAIL": 16,
    "EXP_LOOPVAR_KEY": 0, "EXP_LOOPVAR_VALUE": 1, "EXP_LOOPVAR_INDEX": 2,
    "REGEX_NONE": 0, "REGEX_EXTENDED": 1, "REGEX_ICASE": 2, "REGEX_NOSUB": 4, "REGEX_NEWLINE": 8,
    "POLICY_KEY_SEND": "POLICY_KEY_SEND",
}  # fmt: skip

LIST_HELPERS = """
list_create create bin_name list_order pad persist_index ctx
list_append append bin_name value policy ctx
list_append_items append_items bin_name values policy ctx
list_insert insert bin_name index value policy ctx
list_insert_items insert_items bin_name index values policy ctx
list_increment increment bin_name index value policy ctx
list_pop pop bin_name index ctx
list_pop_range pop_range bin_name index count ctx
list_remove remove bin_name index ctx
list_remove_range remove_range bin_name index count ctx
list_clear clear bin_name ctx
list_set set bin_name index value policy ctx
list_get get bin_name index ctx
list_get_range get_range bin_name index count ctx
list_trim trim bin_name index count ctx
list_size size bin_name ctx
list_get_by_index get_by_index bin_name index return_type ctx
list_get_by_index_range get_by_index_range bin_name index return_type count inverted ctx
list_get_by_rank get_by_rank bin_name rank return_type ctx
list_get_by_rank_range get_by_rank_range bin_name rank return_type count inverted ctx
list_get_by_value get_by_value bin_name value return_type inverted ctx
list_get_by_value_list get_by_value_list bin_name value_list return_type inverted ctx
list_get_by_value_range get_by_value_range bin_name return_type value_begin value_end inverted ctx
list_remove_by_index remove_by_index bin_name index return_type ctx
list_remove_by_index_range remove_by_index_range bin_name index return_type count inverted ctx
list_remove_by_rank remove_by_rank bin_name rank return_type ctx
list_remove_by_rank_range remove_by_rank_range bin_name rank return_type count inverted ctx
list_remove_by_value remove_by_value bin_name value return_type inverted ctx
list_remove_by_value_list remove_by_value_list bin_name value_list return_type inverted ctx
list_remove_by_value_range remove_by_value_range bin_name return_type value_begin value_end inverted ctx
list_set_order set_order bin_name list_order ctx
list_sort sort bin_name sort_flags ctx
list_get_by_value_rank_range_relative get_by_value_relative_rank_range bin_name value offset return_type count inverted ctx
list_remove_by_value_rank_range_relative remove_by_value_relative_rank_range bin_name value offset return_type count inverted ctx
list_join join bin_name separator ctx
"""

MAP_HELPERS = """
map_set_policy set_order bin_name policy ctx
map_create create bin_name map_order persist_index ctx
map_put put bin_name key value map_policy ctx
map_put_items put_items bin_name item_dict map_policy ctx
map_increment increment bin_name key amount map_policy ctx
map_decrement decrement bin_name key amount map_policy ctx
map_size size bin_name ctx
map_clear clear bin_name ctx
map_remove_by_key remove_by_key bin_name key return_type ctx
map_remove_by_key_list remove_by_key_list bin_name key_list return_type inverted ctx
map_remove_by_key_range remove_by_key_range bin_name key_range_start key_range_end return_type inverted ctx
map_remove_by_value remove_by_value bin_name value return_type inverted ctx
map_remove_by_value_list remove_by_value_list bin_name value_list return_type inverted ctx
map_remove_by_value_range remove_by_value_range bin_name value_start value_end return_type inverted ctx
map_remove_by_index remove_by_index bin_name index return_type ctx
map_remove_by_index_range remove_by_index_range bin_name index_start remove_amt return_type inverted ctx
map_remove_by_rank remove_by_rank bin_name rank return_type ctx
map_remove_by_rank_range remove_by_rank_range bin_name rank_start remove_amt return_type inverted ctx
map_get_by_key get_by_key bin_name key return_type ctx
map_get_by_key_range get_by_key_range bin_name key_range_start key_range_end return_type inverted ctx
map_get_by_key_list get_by_key_list bin_name key_list return_type inverted ctx
map_get_by_value get_by_value bin_name value return_type inverted ctx
map_get_by_value_range get_by_value_range bin_name value_start value_end return_type inverted ctx
map_get_by_value_list get_by_value_list bin_name key_list return_type inverted ctx
map_get_by_index get_by_index bin_name index return_type ctx
map_get_by_index_range get_by_index_range bin_name index_start get_amt return_type inverted ctx
map_get_by_rank get_by_rank bin_name rank return_type ctx
map_get_by_rank_range get_by_rank_range bin_name rank_start get_amt return_type inverted ctx
map_remove_by_value_rank_range_relative remove_by_value_relative_rank_range bin_name value offset return_type count inverted ctx
map_get_by_value_rank_range_relative get_by_value_relative_rank_range bin_name value offset return_type count inverted ctx
map_remove_by_key_index_range_relative remove_by_key_relative_index_range bin_name key offset return_type count inverted ctx
map_get_by_key_index_range_relative get_by_key_relative_index_range bin_name value offset return_type count inverted ctx
"""

BIT_HELPERS = """
bit_resize resize bin_name byte_size policy resize_flags
bit_remove remove bin_name byte_offset byte_size policy
bit_set set bin_name bit_offset bit_size value_byte_size value policy
bit_set_int set_int bin_name bit_offset bit_size value policy
bit_count count bin_name bit_offset bit_size
bit_add add bin_name bit_offset bit_size value sign action policy
bit_and and_ bin_name bit_offset bit_size value_byte_size value policy
bit_get get bin_name bit_offset bit_size
bit_get_int get_int bin_name bit_offset bit_size sign
bit_insert insert bin_name byte_offset value_byte_size value policy
bit_lscan lscan bin_name bit_offset bit_size value
bit_lshift lshift bin_name bit_offset bit_size shift policy
bit_not not_ bin_name bit_offset bit_size policy
bit_or or_ bin_name bit_offset bit_size value_byte_size value policy
bit_rscan rscan bin_name bit_offset bit_size value
bit_rshift rshift bin_name bit_offset bit_size shift policy
bit_subtract subtract bin_name bit_offset bit_size value sign action policy
bit_xor xor bin_name bit_offset bit_size value_byte_size value policy
bit_b64_encode b64_encode bin_name byte_offset byte_size invert_size ctx
"""

HLL_HELPERS = """
hll_add add bin_name values index_bit_count mh_bit_count policy
hll_describe describe bin_name
hll_fold fold bin_name index_bit_count
hll_get_count get_count bin_name
hll_get_intersect_count get_intersect_count bin_name hll_list
hll_get_similarity get_similarity bin_name hll_list
hll_get_union get_union bin_name hll_list
hll_get_union_count get_union_count bin_name hll_list
hll_init init bin_name index_bit_count mh_bit_count policy
hll_refresh_count refresh_count bin_name
hll_set_union set_union bin_name hll_list policy
"""

EXP_HELPERS = """
expression_read read bin_name expression expression_read_flags
expression_write write bin_name expression expression_write_flags
"""

STRING_HELPERS = """
strlen strlen bin_name ctx
substr substr bin_name start ctx
substr_range substr bin_name start end ctx
char_at char_at bin_name index ctx
find find bin_name needle occurrence ctx
contains contains bin_name needle ctx
starts_with starts_with bin_name prefix ctx
ends_with ends_with bin_name suffix ctx
to_integer to_integer bin_name ctx
to_double to_double bin_name ctx
byte_length byte_length bin_name ctx
is_numeric is_numeric bin_name numeric_type ctx
is_upper is_upper bin_name ctx
is_lower is_lower bin_name ctx
to_blob to_blob bin_name ctx
split split bin_name ctx
split_separator split bin_name separator ctx
base64_decode base64_decode bin_name ctx
regex_compare regex_compare bin_name pattern regex_flags ctx
to_string to_string bin_name
insert insert bin_name index value policy ctx
overwrite overwrite bin_name index value policy ctx
append append bin_name value policy ctx
prepend prepend bin_name value policy ctx
concat concat bin_name value_list policy ctx
snip snip bin_name start end policy ctx
replace replace bin_name needle replacement policy ctx
replace_all replace_all bin_name needle replacement policy ctx
upper upper bin_name policy ctx
lower lower bin_name policy ctx
casefold casefold bin_name policy ctx
normalize_nfc normalize_nfc bin_name policy ctx
trim_start trim_start bin_name policy ctx
trim_end trim_end bin_name policy ctx
trim trim bin_name policy ctx
pad_start pad_start bin_name target_length pad_string policy ctx
pad_end pad_end bin_name target_length pad_string policy ctx
repeat repeat bin_name count policy ctx
regex_replace regex_replace bin_name pattern replacement regex_flags policy ctx
"""

LIST_CLASSES = """
ListAppend lists.append ctx policy value bin
ListAppendItems lists.append_items ctx policy value bin
ListInsert lists.insert ctx policy index value bin
ListInsertItems lists.insert_items ctx policy index values bin
ListIncrement lists.increment ctx policy index value bin
ListSet lists.set ctx policy index value bin
ListClear lists.clear ctx bin
ListSort lists.sort ctx order bin
ListRemoveByValue lists.remove_by_value ctx value bin inverted
ListRemoveByValueList lists.remove_by_value_list ctx values bin inverted
ListRemoveByValueRange lists.remove_by_value_range ctx begin end bin inverted
ListRemoveByValueRelRankToEnd lists.remove_by_value_relative_rank_range ctx value rank bin inverted
ListRemoveByValueRelRankRange lists.remove_by_value_relative_rank_range ctx value rank count bin inverted
ListRemoveByIndex lists.remove_by_index ctx index bin
ListRemoveByIndexRangeToEnd lists.remove_by_index_range ctx index bin inverted
ListRemoveByIndexRange lists.remove_by_index_range ctx index count bin inverted
ListRemoveByRank lists.remove_by_rank ctx rank bin
ListRemoveByRankRangeToEnd lists.remove_by_rank_range ctx rank bin inverted
ListRemoveByRankRange lists.remove_by_rank_range ctx rank count bin inverted
ListSize lists.size ctx bin
ListGetByValue lists.get_by_value ctx return_type value bin inverted
ListGetByValueRange lists.get_by_value_range ctx return_type value_begin value_end bin inverted
ListGetByValueList lists.get_by_value_list ctx return_type value bin inverted
ListGetByValueRelRankRangeToEnd lists.get_by_value_relative_rank_range ctx return_type value rank bin inverted
ListGetByValueRelRankRange lists.get_by_value_relative_rank_range ctx return_type value rank count bin inverted
ListGetByIndex lists.get_by_index ctx return_type value_type index bin
ListGetByIndexRangeToEnd lists.get_by_index_range ctx return_type index bin inverted
ListGetByIndexRange lists.get_by_index_range ctx return_type index count bin inverted
ListGetByRank lists.get_by_rank ctx return_type value_type rank bin
ListGetByRankRangeToEnd lists.get_by_rank_range ctx return_type rank bin inverted
ListGetByRankRange lists.get_by_rank_range ctx return_type rank count bin inverted
ListJoin lists.join ctx separator bin
"""

MAP_CLASSES = """
MapPut maps.put ctx policy key value bin
MapPutItems maps.put_items ctx policy map bin
MapIncrement maps.increment ctx policy key value bin
MapClear maps.clear ctx bin
MapRemoveByKey maps.remove_by_key ctx key bin
MapRemoveByKeyList maps.remove_by_key_list ctx keys bin inverted
MapRemoveByKeyRange maps.remove_by_key_range ctx begin end bin inverted
MapRemoveByKeyRelIndexRangeToEnd maps.remove_by_key_relative_index_range ctx key index bin inverted
MapRemoveByKeyRelIndexRange maps.remove_by_key_relative_index_range ctx key index count bin inverted
MapRemoveByValue maps.remove_by_value ctx value bin inverted
MapRemoveByValueList maps.remove_by_value_list ctx values bin inverted
MapRemoveByValueRange maps.remove_by_value_range ctx begin end bin inverted
MapRemoveByValueRelRankRangeToEnd maps.remove_by_value_relative_rank_range ctx value rank bin inverted
MapRemoveByValueRelRankRange maps.remove_by_value_relative_rank_range ctx value rank count bin inverted
MapRemoveByIndex maps.remove_by_index ctx index bin
MapRemoveByIndexRangeToEnd maps.remove_by_index_range ctx index bin inverted
MapRemoveByIndexRange maps.remove_by_index_range ctx index count bin inverted
MapRemoveByRank maps.remove_by_rank ctx rank bin
MapRemoveByRankRangeToEnd maps.remove_by_rank_range ctx rank bin inverted
MapRemoveByRankRange maps.remove_by_rank_range ctx rank count bin inverted
MapSize maps.size ctx bin
MapGetByKey maps.get_by_key ctx return_type value_type key bin
MapGetByKeyRange maps.get_by_key_range ctx return_type begin end bin inverted
MapGetByKeyList maps.get_by_key_list ctx return_type keys bin inverted
MapGetByKeyRelIndexRangeToEnd maps.get_by_key_relative_index_range ctx return_type key index bin inverted
MapGetByKeyRelIndexRange maps.get_by_key_relative_index_range ctx return_type key index count bin inverted
MapGetByValue maps.get_by_value ctx return_type value bin inverted
MapGetByValueRange maps.get_by_value_range ctx return_type value_begin value_end bin inverted
MapGetByValueList maps.get_by_value_list ctx return_type value bin inverted
MapGetByValueRelRankRangeToEnd maps.get_by_value_relative_rank_range ctx return_type value rank bin inverted
MapGetByValueRelRankRange maps.get_by_value_relative_rank_range ctx return_type value rank count bin inverted
MapGetByIndex maps.get_by_index ctx return_type value_type index bin
MapGetByIndexRangeToEnd maps.get_by_index_range ctx return_type index bin inverted
MapGetByIndexRange maps.get_by_index_range ctx return_type index count bin inverted
MapGetByRank maps.get_by_rank ctx return_type value_type rank bin
MapGetByRankRangeToEnd maps.get_by_rank_range ctx return_type rank bin inverted
MapGetByRankRange maps.get_by_rank_range ctx return_type rank count bin inverted
"""

BIT_CLASSES = """
BitResize bitwise.resize policy byte_size resize_flags bin
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

HLL_CLASSES = """
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

STRING_CLASSES = """
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
RegexCompare strings.regex_compare pattern bin regex_flags
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

PLAIN_CLASSES = """
Unknown unknown | KeyExists key_exists | BoolBin bool_bin | IntBin int_bin | StrBin str_bin | FloatBin float_bin
BlobBin blob_bin | GeoBin geo_bin | ListBin list_bin | MapBin map_bin | HLLBin hll_bin | BinExists bin_exists
BinType bin_type | SetName set_name | DeviceSize device_size | MemorySize memory_size | RecordSize record_size
LastUpdateTime last_update | SinceUpdateTime since_update | VoidTime void_time | TTL ttl
IsTombstone is_tombstone | DigestMod digest_modulo | Eq eq | NE ne | GT gt | GE ge | LT lt | LE le
CmpGeo geo_compare | Not not_ | Or or_ | Exclusive xor | Cond cond | Let let | Def define | Var var
RemoveResult remove_result | Add num_add | Sub num_sub | Mul num_mul | Div num_div | Pow num_pow | Log num_log
Mod num_mod | Abs num_abs | Floor num_floor | Ceil num_ceil | ToInt to_int | ToFloat to_float | Min min | Max max
IntAnd int_and | IntOr int_or | IntXOr int_xor | IntNot int_not | IntLeftShift int_lshift
IntRightShift int_rshift | IntArithmeticRightShift int_arshift | IntCount int_count | IntLeftScan int_lscan
IntRightScan int_rscan | InList in_list | MapGetKeys map_keys | MapGetValues map_values
"""
