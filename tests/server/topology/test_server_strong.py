"""Strong-consistent namespaces: regimes, rosters, who may serve a partition, read modes, tombstones."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from batch_wire import READ_ALL, batch, row, run
from query_wire import ask as query
from query_wire import partition_of, pids
from server_wire import Wire, digest_of, eventually, field, get, integer, message, op, put
from transaction_wire import DELETE, DURABLE, WRITE, Transaction, value

from pyspike.server import EmbeddedCluster, EmbeddedNode, NamespaceConfig
from support.all_of import all_of

OK, NOT_FOUND, PARAMETER, TIMEOUT, UNAVAILABLE, UNSUPPORTED, FORBIDDEN, ENTERPRISE = (
    0,
    2,
    4,
    9,
    11,
    16,
    22,
    25,
)
SESSION, LINEARIZE, ALLOW_REPLICA, ALLOW_UNAVAILABLE = 0x00, 0x40, 0x80, 0xC0
N_PARTITIONS = 4096


def asked(node: EmbeddedNode, body: bytes) -> int:
    with Wire(node.port) as wire:
        return wire.ask(body).code


def told(node: EmbeddedNode, command: str) -> str:
    with Wire(node.port) as wire:
        return wire.info(command)[command]


def figure(node: EmbeddedNode, name: str, namespace: str = "test") -> str:
    return dict(pair.split("=", 1) for pair in told(node, f"namespace/{namespace}").split(";"))[name]


def regimes(node: EmbeddedNode) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"(\w+):(\d+),\d+,", told(node, "replicas"))}


def key_of(cluster: EmbeddedCluster, *owners: str) -> int:
    """A key whose partition these nodes own, master first."""
    for key in range(10_000):
        names = [node.name for node in cluster.owners("test", partition_of(digest_of(key)))]
        if names[: len(owners)] == list(owners):
            return key
    raise AssertionError(owners)


def served(cluster: EmbeddedCluster) -> set[int]:
    """The partitions that have an owner."""
    masters = bytearray(N_PARTITIONS // 8)
    for node in cluster.nodes:
        if node.running:
            bits = base64.b64decode(re.findall(r"test:\d+,\d+,([^,;]*)", told(node, "replicas"))[0])
            masters = bytearray(one | other for one, other in zip(masters, bits, strict=True))
    return {pid for pid in range(N_PARTITIONS) if masters[pid >> 3] & 0x80 >> (pid & 7)}


# --- what a client learns -----------------------------------------------------------------------------------


def test_regimes_are_those_of_strong_namespaces_and_grow_with_each_rebalance(
    strong: EmbeddedCluster,
) -> None:
    seen = [regimes(strong.nodes[0])]
    assert seen[0]["test"] >= 1
    strong.move_partitions("test", 10)
    seen.append(regimes(strong.nodes[1]))
    strong.nodes[2].stop()
    seen.append(regimes(strong.nodes[0]))
    strong.nodes[2].start()
    seen.append(regimes(strong.nodes[2]))
    assert [each["test"] for each in seen] == sorted({each["test"] for each in seen})
    assert {each["bar"] for each in seen} == {0}
    for command in ("replicas-all", "replicas-master"):
        assert all(":" not in each.partition(":")[2] for each in told(strong.nodes[0], command).split(";"))


def test_a_cluster_is_strong_consistent_from_its_first_answer_on() -> None:
    with EmbeddedCluster(strong_consistency=True) as cluster:
        assert regimes(cluster.nodes[0]) == {"test": 1, "bar": 1}
        assert told(cluster.nodes[0], "edition") == "Aerospike Enterprise Edition"
    with EmbeddedCluster() as cluster:
        assert regimes(cluster.nodes[0]) == {"test": 0, "bar": 0}
        assert told(cluster.nodes[0], "edition") == "Aerospike Community Edition"


def test_the_settings_tell_what_a_namespace_is(strong: EmbeddedCluster) -> None:
    node = strong.nodes[0]
    assert (figure(node, "strong-consistency"), figure(node, "strong-consistency", "bar")) == (
        "true",
        "false",
    )
    assert (figure(node, "mrt-duration"), figure(node, "strong-consistency-allow-expunge")) == ("10", "false")
    assert "mrt-duration" not in told(node, "namespace/bar")
    for setting in ("strong-consistency=false", "mrt-duration=0", "mrt-duration=121"):
        assert told(node, f"set-config:context=namespace;namespace=test;{setting}").startswith("ERROR:4")


@all_of(
    "given, error",
    [
        ("test", TypeError),
        (["none"], ValueError),
        (1, TypeError),
    ],
)
def test_what_is_to_be_strong_consistent_must_be_there(given: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        EmbeddedCluster(strong_consistency=given)  # type: ignore[arg-type]


def test_the_settings_of_a_namespace_can_say_it_too() -> None:
    config = NamespaceConfig(strong_consistency=True, mrt_duration=77)
    with EmbeddedCluster(namespaces={"test": config, "bar": NamespaceConfig()}, process=True) as cluster:
        assert regimes(cluster.nodes[0]) == {"test": 1, "bar": 0}
        assert figure(cluster.nodes[0], "mrt-duration") == "77"
    for wrong in (0, 121):
        with pytest.raises(ValueError, match="mrt_duration"):
            NamespaceConfig(mrt_duration=wrong)


# --- partitions that nobody may serve -----------------------------------------------------------------------


def test_a_minority_serves_nothing_and_records_are_there_again_afterwards(
    strong: EmbeddedCluster,
) -> None:
    key = key_of(strong, "A1", "A2")
    assert asked(strong.nodes[0], put(key, {"a": integer(1)})) == OK
    strong.nodes[0].stop()
    assert len(served(strong)) == N_PARTITIONS  # a majority, and each partition has a replica
    strong.nodes[1].stop()
    left = strong.nodes[2]
    assert served(strong) == set()
    assert figure(left, "unavailable_partitions") == str(N_PARTITIONS)
    assert figure(left, "unavailable_partitions", "bar") == "0"
    assert [asked(left, body) for body in (get(key), put(key, {"a": integer(2)}))] == [UNAVAILABLE] * 2
    assert told(left, "cluster-stable:").startswith("ERROR:7")
    strong.nodes[1].start()
    assert len(served(strong)) == N_PARTITIONS
    with Wire(strong.nodes[1].port) as wire:
        assert value(wire.ask(get(key))) == 1
    strong.heal()


def test_half_of_the_nodes_serve_the_partitions_whose_master_they_are() -> None:
    with EmbeddedCluster(2, strong_consistency=True) as cluster:
        mine, other = key_of(cluster, "A1"), key_of(cluster, "A2")
        cluster.nodes[1].stop()
        assert asked(cluster.nodes[0], get(mine)) == NOT_FOUND
        assert asked(cluster.nodes[0], get(other)) == UNAVAILABLE


def test_all_replicas_serve_a_partition_also_as_a_minority() -> None:
    with EmbeddedCluster(5, strong_consistency=True) as cluster:
        for node in cluster.nodes[2:]:
            node.stop()
        mine = {
            pid
            for pid in range(N_PARTITIONS)
            if {node.name for node in cluster.owners("test", pid)} == {"A1", "A2"}
        }
        assert mine
        assert served(cluster) == mine


def test_copies_of_killed_nodes_are_not_trusted_until_they_are_revived() -> None:
    with EmbeddedCluster(3, strong_consistency=["test"]) as cluster:
        key = key_of(cluster, "A1", "A2")
        fine = key_of(cluster, "A1", "A3")
        for each in (key, fine):
            assert asked(cluster.nodes[0], put(each, {"a": integer(1)})) == OK
        for node in cluster.nodes[:2]:
            node.kill(detach_after=60)  # at once, so that nobody gets a copy of what both have
        for node in cluster.nodes[:2]:
            node.start()
        assert [asked(node, get(key)) for node in cluster.nodes] == [UNAVAILABLE] * 3
        assert asked(cluster.nodes[0], get(fine)) == OK
        dead = int(figure(cluster.nodes[0], "dead_partitions"))
        assert 0 < dead < N_PARTITIONS
        assert figure(cluster.nodes[0], "unavailable_partitions") == "0"
        assert told(cluster.nodes[0], "revive:namespace=test") == "ok"
        assert asked(cluster.nodes[0], get(key)) == UNAVAILABLE
        assert told(cluster.nodes[2], "recluster:") == "ok"
        assert asked(cluster.nodes[0], get(key)) == OK
        assert figure(cluster.nodes[0], "dead_partitions") == "0"


def test_heal_revives(strong: EmbeddedCluster) -> None:
    key = key_of(strong, "A1", "A2")
    for node in strong.nodes:
        node.kill(detach_after=0)
    strong.heal()
    assert asked(strong.nodes[0], get(key)) == NOT_FOUND
    assert len(served(strong)) == N_PARTITIONS


def test_a_partition_can_be_made_unavailable(strong: EmbeddedCluster) -> None:
    key = key_of(strong, "A1", "A2")
    assert asked(strong.nodes[0], put(key, {"a": integer(1)})) == OK
    strong.lose_partition("test", partition_of(digest_of(key)))
    assert figure(strong.nodes[0], "unavailable_partitions") == "1"
    refused = [
        get(key),
        get(key, info3=LINEARIZE),
        get(key, info3=ALLOW_REPLICA),
        put(key, {"a": integer(2)}),
        put(key, {"a": integer(2)}, info3=ALLOW_UNAVAILABLE),
        message(key, info2=WRITE | DELETE | DURABLE),
    ]
    for node in strong.nodes:
        assert [asked(node, body) for body in refused] == [UNAVAILABLE] * len(refused)
    lax = get(key, info3=ALLOW_UNAVAILABLE)
    assert [asked(node, lax) for node in strong.nodes] == [OK, OK, UNAVAILABLE]  # the third has no copy
    with Wire(strong.nodes[0].port) as wire:
        rows = [row(0, key, info1=READ_ALL), row(1, key, info1=READ_ALL, info3=ALLOW_UNAVAILABLE)]
        assert run(wire, *rows).codes == {0: UNAVAILABLE, 1: OK}
    strong.restore_partition("test", partition_of(digest_of(key)))
    assert asked(strong.nodes[0], get(key)) == OK


# --- nodes that do not answer -------------------------------------------------------------------------------


@pytest.fixture
def frozen_replica(strong: EmbeddedCluster) -> Iterator[tuple[int, EmbeddedNode]]:
    """A key of the first node whose replica is on the second, which is frozen, and the third node."""
    key = key_of(strong, "A1", "A2")
    assert asked(strong.nodes[0], put(key, {"a": integer(1)})) == OK
    strong.nodes[1].freeze()
    yield key, strong.nodes[1]
    strong.nodes[1].thaw()


def with_timeout(body: bytes, milliseconds: int) -> bytes:
    return body[:14] + milliseconds.to_bytes(4, "big") + body[18:]


def test_a_linearized_read_asks_the_replicas_and_other_reads_do_not(
    strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]
) -> None:
    key, replica = frozen_replica
    for mode in (SESSION, ALLOW_REPLICA, ALLOW_UNAVAILABLE):
        assert asked(strong.nodes[0], get(key, info3=mode)) == OK
    assert asked(strong.nodes[0], with_timeout(get(key, info3=LINEARIZE), 50)) == TIMEOUT
    verify = message(key, info1=0x21, info3=LINEARIZE, info4=1, more=(field(3, bytes(7)),))
    before = int(figure(strong.nodes[0], "mrt_verify_read_timeout"))
    assert asked(strong.nodes[0], with_timeout(verify, 50)) == TIMEOUT
    assert int(figure(strong.nodes[0], "mrt_verify_read_timeout")) == before + 1
    with Wire(strong.nodes[0].port) as wire:
        wire.send(with_timeout(get(key, info3=LINEARIZE), 5000))
        assert asked(strong.nodes[0], get(key)) == OK  # others are served meanwhile
        replica.thaw()
        assert wire.read_frame()[13] == OK


def test_a_write_that_a_replica_does_not_confirm_is_done_and_times_out(
    strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]
) -> None:
    key, _ = frozen_replica
    assert asked(strong.nodes[0], with_timeout(put(key, {"a": integer(2)}), 50)) == TIMEOUT
    with Wire(strong.nodes[0].port) as wire:
        assert value(wire.ask(get(key))) == 2


def test_a_request_waits_for_a_master_that_does_not_answer(strong: EmbeddedCluster) -> None:
    key = key_of(strong, "A1", "A2")
    assert asked(strong.nodes[0], put(key, {"a": integer(1)})) == OK
    strong.nodes[0].freeze()
    for body in (get(key), get(key, info3=LINEARIZE), put(key, {"a": integer(2)})):
        assert asked(strong.nodes[1], with_timeout(body, 50)) == TIMEOUT
    for mode in (ALLOW_REPLICA, ALLOW_UNAVAILABLE):
        assert asked(strong.nodes[1], get(key, info3=mode)) == OK
    assert asked(strong.nodes[2], with_timeout(get(key, info3=ALLOW_REPLICA), 50)) == TIMEOUT
    with Wire(strong.nodes[1].port) as wire:
        wire.send(with_timeout(get(key), 5000))
        strong.nodes[0].thaw()
        assert value_of(wire) == 1  # the write was not done


def value_of(wire: Wire) -> int:
    return int.from_bytes(wire.read_frame()[-8:], "big")


def test_a_request_that_waits_is_done_also_if_its_client_has_gone(
    strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]
) -> None:
    key, replica = frozen_replica
    lost = key_of(strong, "A2", "A1")  # its master is frozen, and it is asked elsewhere
    before = strong.nodes[0].stats.data_requests
    with Wire(strong.nodes[0].port) as wire:
        wire.send(with_timeout(put(lost, {"a": integer(7)}), 5000))
        eventually(lambda: strong.nodes[0].stats.data_requests > before)
    replica.thaw()

    def is_written() -> bool:
        with Wire(strong.nodes[0].port) as other:
            return other.ask(get(lost)).code == OK

    eventually(is_written)
    assert asked(strong.nodes[0], get(key)) == OK


def test_a_node_that_stops_does_not_wait(
    strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]
) -> None:
    key, _ = frozen_replica
    before = strong.nodes[0].stats.data_requests
    with Wire(strong.nodes[0].port) as wire:
        wire.send(with_timeout(get(key, info3=LINEARIZE), 60_000))
        eventually(lambda: strong.nodes[0].stats.data_requests > before)
        strong.nodes[0].stop()
        with pytest.raises(EOFError):
            wire.read(1)
    strong.heal()


def test_a_killed_node_is_waited_for_until_it_is_missed(strong: EmbeddedCluster) -> None:
    key = key_of(strong, "A1", "A2")
    strong.nodes[0].kill(detach_after=0.1)
    with Wire(strong.nodes[1].port) as wire:
        assert wire.ask(with_timeout(put(key, {"a": integer(2)}), 5000)).code == OK
        assert value(wire.ask(get(key))) == 2


def test_rows_of_batches_wait_too(strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]) -> None:
    key, replica = frozen_replica
    fine = key_of(strong, "A1", "A3")
    rows = [
        row(0, key, info1=READ_ALL, info3=LINEARIZE),
        row(1, fine, info1=READ_ALL, info3=LINEARIZE),
        row(2, key, info1=READ_ALL),
    ]
    with Wire(strong.nodes[0].port) as wire:
        assert run(wire, *rows, timeout=50).codes == {0: TIMEOUT, 1: NOT_FOUND, 2: OK}
        replica.thaw()
        assert run(wire, *rows).codes == {0: OK, 1: NOT_FOUND, 2: OK}


def test_a_batch_whose_client_has_gone_is_run_when_the_nodes_answer(
    strong: EmbeddedCluster, frozen_replica: tuple[int, EmbeddedNode]
) -> None:
    key, replica = frozen_replica
    before = strong.nodes[0].stats.batches
    with Wire(strong.nodes[0].port) as wire:
        wire.send(batch(row(0, key, op(2, "a", *integer(5)), info2=WRITE)))
        eventually(lambda: strong.nodes[0].stats.batches > before)
    replica.thaw()

    def is_written() -> bool:
        with Wire(strong.nodes[0].port) as other:
            return value(other.ask(get(key))) == 5

    eventually(is_written)


# --- deletes ------------------------------------------------------------------------------------------------


def test_a_durable_delete_leaves_a_tombstone_that_nobody_sees(strong: EmbeddedCluster) -> None:
    with Wire(strong.nodes[0].port) as wire:
        for key in ("k", "other"):
            assert wire.ask(put(key, {"a": integer(1)})).code == OK
        deleted = wire.ask(message("k", info2=WRITE | DELETE | DURABLE))
        assert (deleted.code, deleted.generation, deleted.void_time) == (OK, 0, 0)
        assert wire.ask(get("k")).code == NOT_FOUND
        assert wire.ask(message("k", info2=WRITE | DELETE | DURABLE)).code == NOT_FOUND
        assert wire.ask(put("k", {"a": integer(1)}, info3=0x08)).code == NOT_FOUND
        assert sum(int(figure(node, "master_tombstones")) for node in strong.nodes) == 1
        assert sum(int(figure(node, "tombstones")) for node in strong.nodes) == 2  # the replica's too
        assert sum(int(figure(node, "objects")) for node in strong.nodes) == 2
        assert "tombstones=1" in "".join(told(node, "sets/test/s") for node in strong.nodes)
        assert found(strong) == {digest_of("other"): 1}
        again = wire.ask(put("k", {"a": integer(1)}, info2=0x20))
        assert (again.code, again.generation) == (OK, 3)
        assert sum(int(figure(node, "tombstones")) for node in strong.nodes) == 0


@all_of(
    "asked_for",
    [
        message("k", info2=WRITE | DELETE),
        message("k", op(2, "a"), info2=WRITE),
        message("k", op(14), info2=WRITE),
    ],
)
def test_a_delete_that_is_not_durable_is_refused(strong: EmbeddedCluster, asked_for: bytes) -> None:
    with Wire(strong.nodes[0].port) as wire:
        assert wire.ask(asked_for).code == NOT_FOUND
        assert wire.ask(put("k", {"a": integer(1)})).code == OK
        assert wire.ask(asked_for).code == FORBIDDEN
        assert wire.ask(get("k")).code == OK
        durable = asked_for[:2] + bytes((asked_for[2] | DURABLE,)) + asked_for[3:]
        assert wire.ask(durable).code == OK
        assert wire.ask(get("k")).code == NOT_FOUND
        assert wire.ask(put("k", {"a": integer(1)})).code == OK
        wire.info("set-config:context=namespace;namespace=test;strong-consistency-allow-expunge=true")
        assert wire.ask(asked_for).code == OK
        assert wire.ask(put("k", {"a": integer(1)})).generation == 1  # nothing was left
        wire.info("set-config:context=namespace;namespace=test;strong-consistency-allow-expunge=false")
        wire.ask(durable)


def test_a_namespace_beside_it_takes_both_deletes(strong: EmbeddedCluster) -> None:
    with Wire(strong.nodes[0].port) as wire:
        for info2, generation in ((WRITE | DELETE, 1), (WRITE | DELETE | DURABLE, 3)):
            assert wire.ask(put("k", {"a": integer(1)}, namespace="bar")).code == OK
            assert wire.ask(message("k", info2=info2, namespace="bar")).code == OK
            assert wire.ask(put("k", {"a": integer(1)}, namespace="bar")).generation == generation
            wire.ask(message("k", info2=WRITE | DELETE, namespace="bar"))


def test_generations_wrap_after_1023(strong: EmbeddedCluster) -> None:
    with Wire(strong.nodes[0].port) as wire:
        for _ in range(1023):
            wire.send(put("k", {"a": integer(1)}))
        last = [wire.read_frame()[14:18] for _ in range(1023)][-1]
        assert int.from_bytes(last, "big") == 1023
        assert wire.ask(put("k", {"a": integer(1)})).generation == 1


def found(cluster: EmbeddedCluster) -> dict[bytes, int]:
    """What queries of the whole namespace give: the bin "a" by digest."""
    records = {}
    for node in cluster.nodes:
        with Wire(node.port) as wire:
            for record in query(wire, pids(range(N_PARTITIONS)), set_name="").records:
                records[record.fields[4]] = int.from_bytes(record.bins["a"][1], "big")
    return records


# --- queries, jobs ------------------------------------------------------------------------------------------


def test_a_query_that_takes_less_than_exact_partitions_is_refused(strong: EmbeddedCluster) -> None:
    with Wire(strong.nodes[0].port) as wire:
        assert query(wire, pids(range(10)), info2=0x40).code == PARAMETER
        assert query(wire, pids(range(10)), info2=0x40, namespace="bar").code == OK


def test_queries_see_the_originals_and_no_monitors(strong: EmbeddedCluster) -> None:
    with Wire(strong.nodes[0].port) as wire:
        assert wire.ask(put("k", {"a": integer(1)})).code == OK
        txn = Transaction(wire).begin("k", "new")
        txn.put("k", 2)
        txn.put("new", 3)

        assert found(strong) == {digest_of("k"): 1}
        assert txn.commit("k", "new") == [OK] * 4
        assert found(strong) == {digest_of("k"): 2, digest_of("new"): 3}


# --- rosters ------------------------------------------------------------------------------------------------


def test_rosters_are_told_set_and_take_effect_with_recluster() -> None:
    with EmbeddedCluster(3, strong_consistency=["test"]) as cluster:
        first, principal = cluster.nodes[0], cluster.nodes[2]
        everybody = "A3,A2,A1"
        whole = f"roster={everybody}:pending_roster={everybody}:observed_nodes={everybody}"
        assert told(first, "roster:namespace=test") == whole
        assert told(first, "roster:") == f"ns=test:{whole}"
        assert told(first, "roster-set:namespace=test;nodes=A3,A1") == "ok"
        assert "roster=A3,A2,A1:pending_roster=A3,A1:" in told(first, "roster:namespace=test")
        assert told(first, "recluster:") == "ignored-by-non-principal"
        assert told(principal, "recluster:") == "ok"
        assert told(first, "roster:namespace=test").startswith("roster=A3,A1:pending_roster=A3,A1:")
        owners = {node.name for pid in range(0, 4096, 64) for node in cluster.owners("test", pid)}
        assert owners == {"A1", "A3"}
        cluster.nodes[1].stop()  # nobody misses it
        assert len(served(cluster)) == N_PARTITIONS


@all_of(
    "command, code",
    [
        ("roster:namespace=none", 20),
        ("roster:namespace=bar", UNSUPPORTED),
        ("roster-set:namespace=test", PARAMETER),
        ("roster-set:namespace=test;nodes=A1,A1", PARAMETER),
        ("roster-set:nodes=A1", 20),
        ("revive:namespace=bar", UNSUPPORTED),
    ],
)
def test_a_roster_command_that_is_none_is_refused(strong: EmbeddedCluster, command: str, code: int) -> None:
    assert told(strong.nodes[0], command).startswith(f"ERROR:{code}:")


def test_community_edition_has_no_rosters(wire: Wire) -> None:
    for command in ("roster:", "roster-set:namespace=test;nodes=A1", "revive:namespace=test"):
        assert wire.info(command)[command] == "ERROR:25:enterprise only"
    assert wire.info("recluster:")["recluster:"] == "ok"


# --- statistics ---------------------------------------------------------------------------------------------


def test_transactions_are_counted(strong: EmbeddedCluster) -> None:
    names = (
        "mrt_provisionals",
        "mrt_monitors",
        "mrt_monitors_active",
        "mrt_verify_read_success",
        "mrt_verify_read_error",
        "mrt_roll_forward_success",
        "mrt_roll_back_success",
        "mrt_monitor_roll_forward_success",
        "mrt_monitor_roll_back_success",
        "mrt_monitor_roll_tombstone_creates",
        "fail_mrt_blocked",
        "fail_mrt_version_mismatch",
    )

    def figures() -> dict[str, int]:
        return {name: sum(int(figure(node, name)) for node in strong.nodes) for name in names}

    before = figures()
    with Wire(strong.nodes[0].port) as wire:
        assert wire.ask(put("k", {"a": integer(1)})).code == OK
        txn = Transaction(wire).begin("k", ttl=5)
        version = txn.get("other").fields[3]
        txn.put("k", 2)
        assert txn.verify("other", version).code == OK
        assert txn.verify("other", b"\1" * 7).code == 121
        assert wire.ask(put("k", {"a": integer(2)})).code == 120
        now = figures()
        # A record and a monitor are counted by the master and by the replica.
        assert [now[name] - before[name] for name in names[:3]] == [2, 2, 2]
        assert txn.commit("k") == [OK] * 3
        back, forward = Transaction(wire).begin("b", ttl=5), Transaction(wire).begin("k", ttl=5)
        back.put("b", 1)
        forward.delete("k")
        assert forward.mark().code == OK
        strong.clock.advance(6)
        assert wire.ask(get("b")).code == NOT_FOUND
        aborted = Transaction(wire).begin("c")
        aborted.put("c", 1)
        aborted.abort("c")
    after = figures()
    assert {name: after[name] - before[name] for name in names} == {
        **dict.fromkeys(names, 1),
        **dict.fromkeys(names[:3], 0),
    }


def test_nodes_without_strong_consistency_count_no_transactions(strong: EmbeddedCluster) -> None:
    assert "mrt_" not in told(strong.nodes[0], "namespace/bar")


def test_a_roll_by_time_needs_the_master_of_the_record(strong: EmbeddedCluster) -> None:
    key = key_of(strong, "A1", "A2")
    with Wire(strong.nodes[2].port) as wire:
        number = next(n for n in range(1, 99) if not is_on(strong, "A1", Transaction(wire, id_=n).monitor))
        txn = Transaction(wire, id_=number).begin(key, ttl=5)
        txn.put(key, 1)
        strong.nodes[0].freeze()
        strong.clock.advance(6)
        assert txn.add("more").code == 125
        strong.nodes[0].thaw()
        assert txn.add("more").code == 122
        assert wire.ask(put(key, {"a": integer(3)})).code == OK


def is_on(cluster: EmbeddedCluster, name: str, digest: bytes) -> bool:
    return name in [node.name for node in cluster.owners("test", partition_of(digest))]


def test_one_of_several_fields_is_a_version(strong: EmbeddedCluster) -> None:
    """A client that asks for error details gets both fields."""
    with Wire(strong.nodes[0].port) as wire:
        txn = Transaction(wire)
        assert wire.ask(put("k", {"a": integer(1)})).code == OK
        bad_filter = field(43, b"\x93\x01\x01\x02")
        answer = wire.ask(get("k", more=(txn.field, bad_filter), info4=0x40))
        assert answer.code in (27, 4)
        assert set(answer.fields) == {3, 45}
