"""Who owns a partition, after what the nodes tell of it and of their regimes (cluster.md 11.3)."""

from __future__ import annotations

import pytest

from pyspike import errors
from pyspike._wire import Node, NodeLimits, PartitionMap

PARTITIONS = 4096


def bitmap(*partitions: int) -> bytes:
    bits = bytearray(PARTITIONS // 8)
    for pid in partitions:
        bits[pid >> 3] |= 0x80 >> (pid & 7)
    return bytes(bits)


def told(
    known: PartitionMap, by: Node, *columns: bytes, regime: int = 0, namespace: str = "test"
) -> PartitionMap:
    return known.updated(by, [(namespace, regime, columns)])


A, B, C = (Node(name, NodeLimits()) for name in "ABC")


def test_a_map_never_changes() -> None:
    first = told(PartitionMap(), A, bitmap(7))
    told(first, B, bitmap(7))
    first.without({A})
    assert first.owner("test", 7) is A


@pytest.mark.parametrize("column", [0, 1])
def test_an_older_regime_takes_nothing(column: int) -> None:
    columns = [bitmap(), bitmap()]
    columns[column] = bitmap(7, 8)
    known = told(PartitionMap(), A, *columns, regime=5)
    after = told(known, B, *columns, regime=4)
    assert [after.owner("test", pid, column) for pid in (7, 8)] == [A, A]
    assert after.displaced == frozenset()


@pytest.mark.parametrize("regime", [5, 6])
def test_an_equal_or_newer_regime_takes_over(regime: int) -> None:
    known = told(PartitionMap(), A, bitmap(7, 8), regime=5)
    after = told(known, B, bitmap(7), regime=regime)
    assert [after.owner("test", pid) for pid in (7, 8)] == [B, A]
    assert after.displaced == frozenset({A})


def test_a_regime_counts_for_its_partition_and_namespace_only() -> None:
    known = told(PartitionMap(), A, bitmap(7), regime=5)
    known = told(known, A, bitmap(8), regime=1)
    known = told(known, A, bitmap(7), regime=1, namespace="bar")
    after = told(known, B, bitmap(7, 8), regime=2)
    after = told(after, B, bitmap(7), regime=2, namespace="bar")
    assert [after.owner("test", 7), after.owner("test", 8), after.owner("bar", 7)] == [A, B, B]


def test_a_newer_regime_of_the_replica_column_counts_for_the_master_too() -> None:
    known = told(PartitionMap(), A, bitmap(7), bitmap(), regime=1)
    known = told(known, B, bitmap(), bitmap(7), regime=3)
    after = told(known, C, bitmap(7), bitmap(), regime=2)
    assert after.owner("test", 7) is A
    assert after.owner("test", 7, 1) is B


def test_what_a_node_no_longer_claims_stays_until_somebody_else_does() -> None:
    known = told(PartitionMap(), A, bitmap(7, 8))
    after = told(known, A, bitmap(8))
    assert after.owner("test", 7) is A
    assert told(after, B, bitmap(7)).owner("test", 7) is B


def test_partitions_of_a_node_that_left_have_no_owner() -> None:
    known = told(told(PartitionMap(), A, bitmap(7), bitmap(8)), B, bitmap(8), bitmap(7))
    after = known.without({A})
    assert [after.owner("test", 7), after.owner("test", 7, 1)] == [None, B]
    assert [after.owner("test", 8), after.owner("test", 8, 1)] == [B, None]
    assert after.nodes == (B,)
    assert not after.owns(A)
    assert after.owns(B)


def test_a_node_owns_a_partition_as_a_replica_too() -> None:
    known = told(PartitionMap(), A, bitmap(), bitmap(4095))
    assert known.owns(A)
    assert not told(PartitionMap(), B, bitmap(), bitmap()).owns(B)


def test_nobody_owns_what_there_is_not() -> None:
    known = told(PartitionMap(), A, bitmap(7))
    assert known.owner("other", 7) is None
    assert known.owner("test", 7, 1) is None
    assert known.owner("test", 4096) is None
    assert known.owner("test", -1) is None
    assert known.replica_count("other") == 0
    assert known.replica_count("test") == 1


def test_replicas_are_as_many_as_the_node_with_most_tells() -> None:
    known = told(told(PartitionMap(), A, bitmap(7), bitmap(8)), B, bitmap(8))
    assert known.replica_count("test") == 2


@pytest.mark.parametrize("size", [0, 511, 513])
def test_a_bitmap_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(errors.ProtocolError, match=f"a partition bitmap of {size} bytes from node"):
        told(PartitionMap(), A, bytes(size))


# Namespaces with strong consistency (strong-consistency.md 13.1, 13.2) --------------------------------------


def test_a_namespace_is_strong_from_its_first_regime_on_and_stays_so() -> None:
    known = told(PartitionMap(), A, bitmap(7), regime=0)
    assert not known.is_strong("test")
    assert not known.is_strong("other")
    known = told(known, A, bitmap(7), regime=2, namespace="strong")
    assert known.is_strong("strong")
    known = told(known, B, bitmap(8), regime=0, namespace="strong")
    assert known.is_strong("strong")
    assert known.without({A}).is_strong("strong")
    assert known.preferring([1], {}).is_strong("strong")
    assert not known.is_strong("test")
