"""Transactions are what they are with the official client, on a namespace with strong consistency."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyspike.server import EmbeddedCluster
from support import drop_in
from support.drop_in import Alike

pytestmark = pytest.mark.embedded_only


@pytest.fixture(scope="module")
def strong_sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[drop_in.Side, drop_in.Side]]:
    pytest.importorskip("aerospike")
    modules = tmp_path_factory.mktemp("lua")
    with EmbeddedCluster(namespaces=("test", "bar"), strong_consistency=True, process=True) as cluster:
        both = tuple(drop_in.Side(prefix, cluster.hosts, modules) for prefix in ("", drop_in.COMPAT))
        yield both  # type: ignore[misc]
        for side in both:
            side.client.close()


@pytest.fixture
def strong(strong_sides: tuple[drop_in.Side, drop_in.Side], request: pytest.FixtureRequest) -> Alike:
    name = f"s{abs(hash(request.node.name)) % 10**6:06}"

    def run(calls: str, different: dict[str, object] | None = None) -> None:
        drop_in.compare(strong_sides, calls, (f"{name}o", f"{name}c"), different)

    return run


def test_what_a_transaction_says_of_itself(strong: Alike) -> None:
    strong(
        """
        let t = aerospike.Transaction()
        type(t.id), t.in_doubt, t.state, t.timeout
        aerospike.Transaction().id != t.id
        aerospike.Transaction(256, 256).state
        aerospike.Transaction(reads_capacity=0, writes_capacity=1000).state
        aerospike.Transaction('1')
        aerospike.Transaction(1, 1.5)
        aerospike.Transaction(2**32)
        aerospike.Transaction(-1)
        aerospike.Transaction(1, 2, 3)
        aerospike.Transaction(other=1)
        let t.timeout = 10
        t.timeout
        let t.timeout = 'x'
        let t.timeout = 2**32
        let t.timeout = -1
        let t.id = 5
        let t.state = 5
        let t.in_doubt = True
        let t.other = True
        let before = t.id
        let t.__init__()
        t.id != before, t.timeout
        client.commit()
        client.commit('x')
        client.abort(None)
        client.get(K, {'txn': True})
        client.put(K, {'a': 1}, None, {'txn': 'x'})
        client.get(K, {'txn': None})
        """,
        {"client.get(K, {'txn': None})": ("RecordNotFound", 2)},  # None is no transaction
    )


def test_a_commit(strong: Alike) -> None:
    strong(
        """
        let t, other = aerospike.Transaction(), aerospike.Transaction()
        let p, q = {'txn': t}, {'txn': other}
        [client.put(key(i), {'a': i, 's': 'x'}) for i in range(6)]
        client.put(key(0), {'a': 10}, None, p)
        client.get(key(0), p)[2]
        client.get(key(0))[2]
        client.select(key(0), ['a'], p)[2]
        client.exists(key(0), p)[1]['gen']
        client.put(key(0), {'a': 11})
        client.put(key(0), {'a': 11}, None, q)
        client.increment(key(1), 'a', 5, None, p)
        client.append(key(2), 's', 'y', None, p)
        client.prepend(key(2), 's', 'z', None, p)
        client.touch(key(2), 100, None, p)
        client.remove_bin(key(2), ['a'], None, p)
        client.operate(key(3), [op.increment('a', 1), op.read('a')], None, p)[2]
        client.operate_ordered(key(3), [op.increment('a', 1), op.read('a')], None, p)[2]
        client.remove(key(4), None, {'txn': t, 'durable_delete': True})
        client.put(key(0), {'a': 12}, None, {'txn': t, 'on_locking_only': True})
        client.apply(key(0), 'gone', 'f', [], p)
        t.state, t.in_doubt
        client.commit(t)
        t.state, t.in_doubt
        [client.get(key(i))[2] for i in (0, 1, 2, 3, 5)]
        client.get(key(4))
        client.commit(t)
        client.abort(t)
        client.get(key(0), p)
        client.put(key(0), {'a': 12}, None, p)
        client.abort(transaction=other)
        client.commit(aerospike.Transaction())
        """
    )


def test_an_abort(strong: Alike) -> None:
    strong(
        """
        let t = aerospike.Transaction(); p = {'txn': t}
        client.put(K, {'a': 1})
        client.put(K, {'a': 2}, None, p)
        client.put(key('new'), {'a': 2}, None, p)
        client.abort(t)
        t.state
        client.get(K)[2]
        client.get(key('new'))
        client.abort(t)
        client.commit(t)
        client.get(K, p)
        client.put(K, {'a': 2}, None, p)
        client.put(K, {'a': 3}, None, {'exists': aerospike.POLICY_EXISTS_UPDATE})
        client.abort(aerospike.Transaction())
        """
    )


def test_a_commit_that_fails(strong: Alike) -> None:
    strong(
        """
        let t = aerospike.Transaction(); p = {'txn': t}
        [client.put(key(i), {'a': i}) for i in range(3)]
        client.get(key(0), p)[2]
        client.put(key(1), {'a': 7}, None, p)
        client.put(key(0), {'a': 8})
        client.commit(t)
        t.state, t.in_doubt
        client.get(key(1))[2]
        client.commit(t)
        client.abort(t)
        let t = aerospike.Transaction(); p = {'txn': t}
        client.get(key(2), p)[2]
        client.put(('bar', S, 1), {'a': 1}, None, p)
        client.get(('bar', S, 1), p)
        client.abort(t)
        """
    )


def test_batches_take_part(strong: Alike) -> None:
    strong(
        """
        let t = aerospike.Transaction(); p = {'txn': t}
        [client.put(key(i), {'a': i}) for i in range(6)]
        client.batch_read([key(0), key(9)], None, p)
        client.batch_operate([key(0), key(1)], [op.increment('a', 5), op.read('a')], p)
        client.batch_write(br.BatchRecords([br.Write(key(2), [op.write('a', 9)]), br.Read(key(1), [op.read('a')])]), p)
        [row.result for row in client.batch_remove([key(3)], p, {'durable_delete': True}).batch_records]
        client.batch_apply([key(4)], 'gone', 'f', [], p)
        client.batch_read([key(0), key(3)])
        client.batch_read([key(0), key(3)], None, p)
        client.commit(t)
        client.batch_read([key(0), key(1), key(2), key(3)])
        client.batch_read([key(0)], None, p)
        client.batch_write(br.BatchRecords([br.Write(key(2), [op.write('a', 9)])]), p)
        client.batch_read([key(0)], None, {'txn': 5})
        """,
        # Where a transaction takes no commands any more, the rows of the official client look as if all was well.
        {
            "client.batch_read([key(0)], None, p)": ("ParamError", -2),
            "client.batch_write(br.BatchRecords([br.Write(key(2), [op.write('a', 9)])]), p)": (
                "ParamError",
                -2,
            ),
        },
    )


def test_reads_outside_are_as_strict_as_they_ask_for(strong: Alike) -> None:
    strong(
        """
        client.put(K, {'a': 1})
        [client.get(K, {'read_mode_sc': mode})[2] for mode in (aerospike.POLICY_READ_MODE_SC_SESSION, aerospike.POLICY_READ_MODE_SC_LINEARIZE, aerospike.POLICY_READ_MODE_SC_ALLOW_REPLICA, aerospike.POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE)]
        client.operate(K, [op.read('a')], None, {'read_mode_sc': aerospike.POLICY_READ_MODE_SC_LINEARIZE})[2]
        client.batch_read([K], None, {'read_mode_sc': aerospike.POLICY_READ_MODE_SC_LINEARIZE})
        """
    )


def test_a_namespace_without_strong_consistency_has_none(alike: Alike) -> None:
    alike(
        """
        let t = aerospike.Transaction()
        client.put(K, {'a': 1})
        client.put(K, {'a': 1}, None, {'txn': t})
        t.state
        client.abort(t)
        let other = aerospike.Transaction()
        client.get(K, {'txn': other})
        client.abort(other)
        """
    )
