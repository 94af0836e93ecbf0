"""Batches, queries, scans, indexes, functions and what concerns the cluster: as the official client has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyspike.compat.aerospike.exception import ParamError
from support.drop_in import Alike, Side

MODULE = """
function say(record, value) return value end
function double(record, name) record[name] = record[name] * 2; aerospike.update(record) end
function count(stream)
    return stream : map(function(record) return 1 end) : reduce(function(a, b) return a + b end)
end
"""


def test_batches(alike: Alike) -> None:
    alike(
        """
        [client.put(key(i), {'a': i, 's': 'x%d' % i}, {}, {'key': 1}) for i in range(4)]
        client.batch_read([key(0), key(9), key(1)])
        client.batch_read([key(0), key(9)], ['a'])
        client.batch_read([key(0), key(9)], [])
        client.batch_read([])
        client.batch_read('x')
        client.batch_read([1])
        client.batch_read([key(0)], [1])
        client.batch_read([('nowhere', S, 1)])
        client.batch_read([key(0), key(1)], policy={'expressions': exp.Eq(exp.IntBin('a'), 1).compile()})
        client.batch_operate([key(0), key(1)], [op.increment('a', 1), op.read('a')])
        client.batch_operate([key(0), key(9)], [op.read('a')])
        client.batch_operate([key(0)], [])
        client.batch_operate([key(7)], [op.write('a', 1)], None, {'exists': aerospike.POLICY_EXISTS_UPDATE})
        client.batch_operate([key(0)], [op.write('a', 1)], ttl=100)
        client.exists(key(0))
        [row.result for row in client.batch_remove([key(8), key(3)]).batch_records]
        client.batch_remove([])
        client.batch_apply([key(0)], 'gone', 'f', [])
        client.batch_apply([key(0)], 'gone', 'f', 5)
        client.batch_write(br.BatchRecords([br.Read(key(0), [op.read('a')]), br.Read(key(1), None, read_all_bins=True)]))
        client.batch_write(br.BatchRecords([br.Write(key(2), [op.write('z', 5), op.read('z')]), br.Remove(key(9))]))
        client.batch_write(br.BatchRecords([br.Apply(key(0), 'gone', 'f', [])]))
        client.batch_write(br.BatchRecords([br.Write(key(2), [op.write('z', 5)], {'gen': 9}, {'gen': 1})]))
        client.batch_write(br.BatchRecords([br.Read(key(0), None)]))
        client.batch_write(br.BatchRecords([br.Write(key(0), [])]))
        client.batch_write(br.BatchRecords([]))
        client.batch_write(br.BatchRecords(5))
        client.batch_write(5)
        """
    )


def test_policies_of_single_commands_are_not_of_batches(alike: Alike) -> None:
    alike(
        """
        [client.put(key(i), {'a': i}) for i in range(2)]
        let where = exp.Eq(exp.IntBin('a'), 1).compile()
        let policies = {'read': {'expressions': where, 'read_mode_ap': 1, 'read_touch_ttl_percent': 80}, 'write': {'exists': aerospike.POLICY_EXISTS_CREATE, 'ttl': 100, 'key': 1, 'expressions': where}, 'remove': {'expressions': where}}
        let nodes = [(each['address'], each['port']) for each in client.get_node_names()]
        let other = aerospike.client({'hosts': nodes, 'policies': policies}).connect()
        other.put(key(0), {'a': 9})
        [row.result for row in other.batch_read([key(0), key(1)]).batch_records]
        [row.result for row in other.batch_operate([key(0), key(1)], [op.read('a')]).batch_records]
        other.batch_write(br.BatchRecords([br.Write(key(0), [op.write('a', 5)]), br.Read(key(1), [op.read('a')])]))
        [row.result for row in other.batch_operate([key(0), key(1)], [op.write('a', 6)]).batch_records]
        client.exists(key(0))[1]['ttl'] != 100
        [row.result for row in other.batch_remove([key(0), key(1)]).batch_records]
        {name: each for name, each in other.get_policies()['batch'].items() if 'read_mode' in name or 'touch' in name}
        other.close()
        """
    )


def test_queries_and_scans(alike: Alike) -> None:
    # Of a dict of partitions only how many there are, of pages only their sum: where a query stands depends on the set's name.
    alike(
        """
        [client.put(key(i), {'a': i, 'l': [i, i + 1], 's': 'x%d' % i, 'g': aerospike.GeoJSON({'type': 'Point', 'coordinates': [i, i]})}) for i in range(5)]
        client.index_integer_create('test', S, 'a', S + 'a')
        client.index_integer_create('test', S, 'a', S + 'a')
        client.index_list_create('test', S, 'l', aerospike.INDEX_NUMERIC, S + 'l')
        client.index_geo2dsphere_create('test', S, 'g', S + 'g')
        client.index_string_create('nowhere', S, 's', S + 's')
        client.index_string_create(5, S, 's', S + 's')
        let def found(query): return sorted(bins.get('a') for _, _, bins in query.results())
        let def over(predicate): query = client.query('test', S); query.where(predicate); return found(query)
        over(p.equals('a', 1))
        over(p.between('a', 1, 3))
        over(p.contains('l', aerospike.INDEX_TYPE_LIST, 3))
        over(p.range('l', aerospike.INDEX_TYPE_LIST, 4, 9))
        over(p.geo_within_radius('g', 1.0, 1.0, 200000.0))
        over(p.equals('none', 1))
        over(('x',))
        over(p.equals('a', 1.5))
        found(client.query('test', S))
        client.query('test', S).select('a').results()[0][2].keys()
        client.query('test', S).results(options={'nobins': True})[0][2]
        client.query('test', S).results(options={'nobins': 'x'})
        client.query('test', S).results({'expressions': exp.Eq(exp.IntBin('a'), 2).compile()})
        client.query('nowhere').results()
        client.query(5)
        client.query('test', 5)
        client.query()
        client.query('test', S).select(1)
        client.query('test', S).foreach(lambda record: 1 / 0)
        client.query('test', S).foreach(5)
        let taken = []
        client.query('test', S).foreach(lambda record: taken.append(record) or False)
        0 < len(taken) < 5
        let taken.clear()
        client.query('test', S).foreach(lambda part, record: taken.append(part), {'partition_filter': {'begin': 0, 'count': 4096}})
        len(taken)
        client.query('test', S).foreach(print, {'partition_filter': {'begin': -1}})
        let query = client.query('test', S); query.max_records = 2; query.paginate()
        sum(len(query.results()) for _ in iter(query.is_done, True))
        let query = client.query('test', S)
        query.results() and query.get_partitions_status()
        len(client.scan('test', S).results())
        client.scan('test', S).select('a').results()[0][2].keys()
        client.scan('test', S).foreach(lambda record: taken.append(record) or False)
        0 < len(taken) < 10
        let nodes = [each['node_name'] for each in client.get_node_names()]
        sum(len(client.scan('test', S).results(None, node)) for node in nodes)
        client.scan('test', S).results(None, 'gone')
        client.scan('test', S).results(None, 5)
        client.scan('nowhere', S).results(None, nodes[0])
        let taken.clear()
        [client.scan('test', S).foreach(lambda record: taken.append(record), None, {'nobins': True}, node) for node in nodes]
        len(taken), taken[0][2]
        client.index_remove('test', S + 'a')
        client.index_remove('test', S + 'l')
        client.index_remove('test', S + 'g')
        client.index_remove('test', S + 'gone')
        """
    )


def test_a_scan_of_one_node_has_the_same_records_as_the_official_one(
    sides: tuple[Side, Side], set_name: str
) -> None:
    official, ours = (side.client for side in sides)
    set_name += "n"
    for number in range(200):
        ours.put(("test", set_name, number), {"a": number})
    seen = 0
    for node in (each["node_name"] for each in ours.get_node_names()):
        theirs, found = (
            sorted(bins["a"] for _, _, bins in client.scan("test", set_name).results(None, node))
            for client in (official, ours)
        )
        assert found == theirs
        assert len(ours.scan("test", set_name).results({"max_records": 5}, node)) == min(5, len(found))
        seen += len(found)
    assert seen == 200
    scan = ours.scan("test", set_name)
    scan.paginate()
    with pytest.raises(ParamError, match="one node"):
        scan.results(None, node)


def test_a_query_goes_on_where_another_has_stopped(alike: Alike) -> None:
    alike(
        """
        [client.put(key(i), {'a': i}) for i in range(20)]
        let seen, rest = [], []
        let def few(part, record): return False if len(seen) == 5 else seen.append(record[2]['a'])
        let query = client.query('test', S)
        query.foreach(few, {'partition_filter': {'begin': 0, 'count': 4096}})
        let status = query.get_partitions_status()
        len(status), status['done'], len(seen)
        let other = client.query('test', S)
        other.foreach(lambda part, record: rest.append(record[2]['a']), {'partition_filter': {'begin': 0, 'count': 4096, 'partition_status': status}})
        sorted(seen + rest) == list(range(20))
        let third, again = client.query('test', S), []
        third.foreach(lambda part, record: again.append(record[2]['a']), {'partition_filter': {'begin': 0, 'count': 4096, 'partition_status': dict(status)}})
        sorted(seen + again) == list(range(20))
        """
    )


def test_a_search_that_has_found_nothing_begins_anew(alike: Alike) -> None:
    alike(
        """
        let everywhere, found = {'partition_filter': {'begin': 0, 'count': 4096}}, []
        let scan, query = client.scan('test', S), client.query('test', S)
        [search.foreach(lambda part, record: found.append(record[2]), everywhere) for search in (scan, query)]
        scan.is_done(), query.is_done(), found
        client.put(K, {'a': 1})
        [search.foreach(lambda part, record: found.append(record[2]), everywhere) for search in (scan, query)]
        found
        [search.foreach(lambda part, record: found.append(record[2]), everywhere) for search in (scan, query)]
        found
        """
    )


def test_functions_and_background_jobs(alike: Alike, tmp_path: Path) -> None:
    # Of rows with functions only the bins: the official client tells generation and time to live if a node has
    # two rows or more, and zeroes if it has one.
    module = tmp_path / "dropin.lua"
    module.write_text(MODULE)
    alike(
        f"""
        client.udf_put({str(module)!r})
        [each['name'] for each in client.udf_list() if each['name'] == 'dropin.lua']
        client.udf_get('dropin.lua') == {MODULE!r}
        client.udf_get('gone.lua')
        client.udf_put('/nowhere/gone.lua')
        client.udf_put(5)
        client.put(K, {{'a': 2}})
        client.apply(K, 'dropin', 'say', [[1, {{'x': 'y'}}]])
        client.apply(K, 'dropin', 'gone', [])
        client.apply(K, 'dropin', 'say', 5)
        client.apply(K, 5, 'say', [])
        let def bins(rows): return [(row.result, row.record[2]) for row in rows.batch_records]
        bins(client.batch_apply([K, key('none')], 'dropin', 'say', ['hello']))
        bins(client.batch_apply([K], 'dropin', 'say', [None]))
        bins(client.batch_write(br.BatchRecords([br.Apply(K, 'dropin', 'say', [1]), br.Apply(key('none'), 'dropin', 'say', [None])])))
        let import time
        let def waited(job): [time.sleep(0.02) for _ in range(100) if client.job_info(job, aerospike.JOB_QUERY)['status'] != 2]
        waited(client.scan_apply('test', S, 'dropin', 'double', ['a']))
        client.get(K)[2]
        let query = client.query('test', S); query.add_ops([op.write('b', 5)])
        waited(query.execute_background())
        client.get(K)[2]
        client.scan_apply('test', S, 'dropin', 'double', 5)
        client.job_info(1, aerospike.JOB_SCAN)
        client.job_info(1, 'x')
        client.query('test', S).apply('dropin', 'count').results()
        """
    )


def test_the_cluster(alike: Alike) -> None:
    alike(
        """
        sorted(client.get_nodes())
        sorted(each['node_name'] for each in client.get_node_names())
        client.info_all('build')
        client.info_random_node('build')
        client.info_single_node('build', client.get_node_names()[0]['node_name'])
        client.info_single_node('build', 'gone')
        client.info_single_node('build', 5)
        client.info_all('no-such-command')
        client.info_all(5)
        client.info_all('build', {'timeout': 'x'})
        client.is_connected()
        client.shm_key()
        client.put(K, {'a': 1})
        client.truncate('test', S, 0)
        client.truncate('test', S, 'x')
        client.truncate('test', S, 2**62)
        client.truncate(5, S, 0)
        client.truncate('test', '', 0)
        client.udf_remove('gone.lua')
        client.get_expression_base64(exp.And(exp.Eq(exp.IntBin('a'), 1), exp.GT(exp.FloatBin('f'), 1.5)).compile())
        client.get_expression_base64(exp.ListGetByValueRange(None, 7, 'a', aerospike.null(), exp.ListAppend(None, {}, 'z', 'l')).compile())
        client.get_cdtctx_base64([ctx.cdt_ctx_map_key('a'), ctx.cdt_ctx_list_index(-1)])
        client.get_cdtctx_base64([])
        client.admin_query_users_info()
        client.admin_create_user(5, 'x', [])
        client.admin_create_role('r', [{'code': aerospike.PRIV_READ}])
        client.admin_set_quotas('r', 'x')
        """
    )


def test_a_client_that_is_closed_connects_again(compat: object) -> None:
    from pyspike.compat import aerospike

    config = {"hosts": compat.get_nodes()}  # type: ignore[attr-defined]
    client = aerospike.client(config)
    client.close()
    assert not client.is_connected()
    with pytest.raises(aerospike.exception.ClusterError):
        client.get(("test", "s", 1))
    assert client.connect() is client
    assert client.is_connected()
    client.close()
