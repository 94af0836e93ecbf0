"""Commands on one record give what the official client's give."""

from __future__ import annotations

import pytest

from support.drop_in import Alike

GEO = "aerospike.GeoJSON({'type': 'Point', 'coordinates': [1.0, 2.0]})"


def test_reads_and_writes(alike: Alike) -> None:
    alike(
        f"""
        client.put(K, {{'a': 1, 'f': 1.5, 's': 'x', 'b': b'y', 'ba': bytearray(b'z'), 'l': [1, None, 'é']}})
        client.put(K, {{'m': {{'b': 1, 'a': [2]}}, 'k': aerospike.KeyOrderedDict({{'c': 1}}), 't': True}})
        client.put(K, {{'g': {GEO}, 'gl': [{GEO}], 'h': helpers.HyperLogLog(b'0' * 40)}})
        client.get(K)
        client.get(K, {{'key': aerospike.POLICY_KEY_SEND}})
        client.select(K, ['a', 'none'])
        client.select(K, ('s',))
        client.exists(K)
        client.exists(key('no'))
        client.get(key('no'))
        client.select(K, [])
        client.select(K, 'a')
        client.select(K, [1])
        client.put(K, {{'a': None, 'f': aerospike.null()}})
        client.get(K)
        client.remove_bin(K, ['s', 'b'])
        client.append(K, 'n', 'x')
        client.prepend(K, 'n', 'y')
        client.append(K, 'n', 1)
        client.increment(K, 'i', 5)
        client.increment(K, 'i', 1.5)
        client.increment(K, 'i', 'x')
        client.append(K, 'i', 'x')
        client.touch(K)
        client.touch(K, 100)
        client.touch(key('no'))
        client.get(K)
        client.remove(K)
        client.remove(K)
        client.put(K, {{'a': 1}}, {{'ttl': 100}})
        client.exists(K)
        client.put(K, {{'a': 1}}, {{'ttl': aerospike.TTL_NEVER_EXPIRE}})
        client.get(K)
        """
    )


def test_types_of_ordered_lists_and_maps(alike: Alike) -> None:
    alike(
        """
        let put = lambda bin, order: client.operate(K, [mo.map_put_items(bin, {'b': 1, 'a': [{}]}, {'map_order': order})])
        [put(bin, order) for bin, order in (('u', 0), ('k', 1), ('kv', 3))]
        client.operate(K, [lo.list_append_items('l', [3, {'x': 1}, 1], {'list_order': aerospike.LIST_ORDERED})])
        client.operate(K, [lo.list_append('n', client.get(K)[2][bin]) for bin in ('u', 'k', 'kv', 'l')])[2]
        let def types(bins): return {name: (type(value).__name__, repr(value)) for name, value in bins.items()}
        types(client.get(K)[2])
        types(client.operate(K, [op.read(bin) for bin in ('u', 'k', 'kv', 'l')])[2])
        types(client.batch_read([K]).batch_records[0].record[2])
        types(client.query('test', S).results()[0][2])
        client.put(K, client.get(K)[2])
        [client.operate(K, [mo.map_get_by_index(bin, 0, aerospike.MAP_RETURN_KEY)])[2] for bin in ('u', 'k', 'kv')]
        client.operate(K, [lo.list_append('l', 2), op.read('l')])[2]
        client.get(K, {'expressions': exp.Eq(exp.MapBin('k'), aerospike.KeyOrderedDict({'b': 1, 'a': [{}]})).compile()})
        client.get(K, {'expressions': exp.Eq(exp.MapBin('k'), client.get(K)[2]['k']).compile()})
        repr(aerospike.KeyOrderedDict({'b': 1}))
        """
    )


def test_keys(alike: Alike) -> None:
    alike(
        """
        client.put(key(1), {'a': 1})
        client.get(key(True))
        client.put(key(bytearray(b'x')), {'a': 2})
        client.get(key(bytearray(b'x')))
        client.get(('test', S, None, aerospike.calc_digest('test', S, 1)))[2]
        client.get({'ns': 'test', 'set': S, 'key': 1})
        client.get({'ns': 'test', 'set': S})
        client.get(('test', S, None))
        client.get(('test', S))
        client.get(None)
        client.get(['test', S, 1])
        client.get(('test', 5, 1))
        client.get((5, S, 1))
        client.get(key(1.5))
        client.get(key(2**63))
        client.get(('nowhere', S, 1))
        client.get_key_partition_id('test', 'fixed', 'a')
        aerospike.calc_digest('test', 'fixed', 'a')
        aerospike.calc_digest('test', 'fixed', bytearray(b'a'))
        aerospike.calc_digest('test', None, 'a')
        aerospike.calc_digest('test', 'fixed', 1.5)
        """
    )


def test_policies_and_metadata(alike: Alike) -> None:
    alike(
        """
        client.put(K, {'a': 1}, None, {'exists': aerospike.POLICY_EXISTS_UPDATE})
        client.put(K, {'a': 1}, None, {'exists': aerospike.POLICY_EXISTS_CREATE})
        client.put(K, {'a': 1}, None, {'exists': aerospike.POLICY_EXISTS_CREATE})
        client.put(K, {'b': 1}, None, {'exists': aerospike.POLICY_EXISTS_CREATE_OR_REPLACE})
        client.get(K)[2]
        client.put(K, {'a': 1}, {'gen': 5}, {'gen': aerospike.POLICY_GEN_EQ})
        client.put(K, {'a': 1}, {'gen': 2}, {'gen': aerospike.POLICY_GEN_EQ})
        client.put(K, {'a': 1}, {'gen': 9}, {'gen': aerospike.POLICY_GEN_GT})
        client.put(K, {'a': 1}, {'gen': 9})
        client.remove(K, {'gen': 1}, {'gen': aerospike.POLICY_GEN_EQ})
        client.put(K, {'a': 1}, {}, {'ttl': 50})
        client.exists(K)[1]
        client.get(K, {'expressions': exp.Eq(exp.IntBin('a'), 2).compile()})
        client.get(K, {'expressions': exp.Eq(exp.IntBin('a'), 1).compile()})[2]
        client.get(K, {'total_timeout': 'x'})
        client.get(K, {'total_timeout': 1.5})
        client.get(K, 'x')
        client.put(K, {'a': 1}, 'x')
        client.put(K, {'a': 1}, {'ttl': 'x'})
        client.put(K, {'a': 1}, {'ttl': -7})
        client.put(K, {'a' * 16: 1})
        client.put(K, {1: 1})
        client.put(K, {})
        client.put(K, 5)
        client.put(K, {'a': object()})
        client.put(K, {'a': 2**63})
        client.put(K, {'a': 1}, {}, {'durable_delete': True})
        client.get()
        client.append(K, 'a', 'x', {}, {}, 5)
        """
    )


def test_operations(alike: Alike) -> None:
    alike(
        """
        client.operate(K, [op.write('a', 1), op.increment('a', 2), op.read('a'), op.read('none')])
        client.operate_ordered(K, [op.write('a', 1), op.increment('a', 2), op.read('a'), op.read('none')])
        client.operate_ordered(K, [lo.list_append('l', 1), op.write('x', 1), lo.list_clear('l'), op.touch()])
        client.operate(K, [op.append('s', 'b'), op.prepend('s', 'a'), op.read('s')])
        client.operate(K, [mo.map_put_items('m', {'b': 2, 'a': 1}), mo.map_size('m')])
        client.operate_ordered(K, [mo.map_get_by_key_range('m', 'a', 'z', aerospike.MAP_RETURN_KEY_VALUE), op.read('x')])
        client.operate(K, [mo.map_get_by_key('m', 'a', aerospike.MAP_RETURN_VALUE)])
        client.operate(K, [mo.map_get_by_key('m', 'a', aerospike.MAP_RETURN_VALUE), op.write('m', {})])
        client.operate(K, [lo.list_append_items('l', [3, 1, 2], {'write_flags': aerospike.LIST_WRITE_DEFAULT})])
        client.operate(K, [lo.list_get_by_value_range('l', aerospike.LIST_RETURN_VALUE, 2, aerospike.CDTInfinite())])
        client.operate(K, [lo.list_get_by_value_list('l', [1, 3], aerospike.LIST_RETURN_COUNT, True)])
        client.operate(K, [lo.list_insert_items('l', 9, [1], {'write_flags': aerospike.LIST_WRITE_INSERT_BOUNDED})])
        client.operate(K, [lo.list_sort('l'), op.read('l')])
        client.operate(K, [bo.bit_resize('bits', 3), bo.bit_set_int('bits', 0, 8, 5), bo.bit_get('bits', 0, 24)])
        client.operate(K, [bo.bit_count('bits', 0, 24), bo.bit_get_int('bits', 0, 8, False)])
        client.operate(K, [ho.hll_add('h', ['a', 'b'], 8), ho.hll_get_count('h'), ho.hll_describe('h')])
        client.operate(K, [ho.hll_init('h2', 3)])
        client.operate(K, [ho.hll_init('h2', 'x')])
        client.operate(K, [ho.hll_init('h2', 8, 52)])
        client.operate(K, [ho.hll_get_union('h', [])])
        client.operate(K, [bo.bit_set_int('bits', 0, 65, 5)])
        client.operate(K, [bo.bit_set_int('bits', 0, 8, 2**64)])
        client.operate(K, [op.read('b' * 16)])
        str(client.get(K)[2]['h'])[:30]
        client.put(K, {'h2': client.get(K)[2]['h'], 'hl': [client.get(K)[2]['h']]})
        client.operate(K, [ho.hll_get_union_count('h', [client.get(K)[2]['h2']])])[2]
        client.operate(K, [eo.expression_read('e', exp.Add(exp.IntBin('a'), 5).compile())])
        client.operate(K, [eo.expression_write('w', exp.IntBin('a').compile()), op.read('w')])
        client.operate(K, [eo.expression_read('e', exp.IntBin('gone').compile())])
        client.put(K, {'n': {'a': {'b': [1, 2]}}})
        client.operate(K, [lo.list_append('n', 3, ctx=[ctx.cdt_ctx_map_key('a'), ctx.cdt_ctx_map_key('b')])])
        client.operate(K, [lo.list_append('n', 3, ctx=[ctx.cdt_ctx_list_index(0)])])
        client.operate(K, [lo.list_append('n', 3, ctx=[5])])
        client.operate(K, [mo.map_put('n', 'z', 1, ctx=[ctx.cdt_ctx_map_key_create('new', 1)]), op.read('n')])
        client.get(K)
        client.operate(K, [])
        client.operate(K, None)
        client.operate(K, [{'op': 99, 'bin': 'a'}])
        client.operate(K, [{'op': 0}])
        client.operate(K, [op.append('a', 1)])
        client.operate(K, [op.write('a' * 16, 1)])
        client.operate(K, [op.delete()])
        client.operate(K, [op.read('a')])
        client.operate(K, [op.touch()])
        """
    )


def test_arguments_that_are_missing_or_too_many_are_told_in_the_official_words(compat: object) -> None:
    with pytest.raises(TypeError, match=r"get\(\) missing required argument 'key' \(pos 1\)"):
        compat.get()  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"append\(\) takes at most 5 arguments \(6 given\)"):
        compat.append(1, 2, 3, 4, 5, 6)  # type: ignore[attr-defined]
