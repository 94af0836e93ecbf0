"""The official client's scans, queries, indexes and jobs on one node and on three, with faults in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server_wire import eventually

from pyspike.server import EmbeddedCluster

aerospike = pytest.importorskip("aerospike")
p = pytest.importorskip("aerospike.predicates")
exp = pytest.importorskip("aerospike_helpers.expressions")
op = pytest.importorskip("aerospike_helpers.operations.operations")
lists = pytest.importorskip("aerospike_helpers.operations.list_operations")
expressions = pytest.importorskip("aerospike_helpers.operations.expression_operations")
cdt_ctx = pytest.importorskip("aerospike_helpers.cdt_ctx")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

COUNT = 500


@pytest.fixture(scope="module", params=[1, 3])
def shared(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    # In a process of its own: the official client's truncate keeps the GIL while it waits for the answer.
    with EmbeddedCluster(request.param, process=True) as cluster:
        yield cluster


def bins(number: int) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [number / 10, 0.5]}
    return {
        "i": number,
        "s": f"s{number % 5}",
        "y": bytes((number % 7,)),
        "g": aerospike.GeoJSON(point),
        "l": [number, -number],
        "m": {f"k{number % 3}": number, "all": 1},
        "n": {"x": [number % 11]},
    }


def connect(cluster: EmbeddedCluster) -> Any:
    patient = {"total_timeout": 20_000}
    policies = {"query": patient, "scan": patient, "write": patient, "read": patient, "info": patient}
    return aerospike.client({"hosts": [("127.0.0.1", cluster.nodes[0].port)], "policies": policies}).connect()


@pytest.fixture(scope="module")
def filled(shared: EmbeddedCluster) -> Iterator[Any]:
    """The client; its set `q` has records and indexes of all kinds."""
    client = connect(shared)
    for number in range(COUNT):
        client.put(("test", "q", number), bins(number), policy={"key": aerospike.POLICY_KEY_SEND})
    numeric = aerospike.INDEX_NUMERIC
    client.index_single_value_create("test", "q", "i", numeric, "q_i")
    expression = exp.Add(exp.IntBin("i"), 1000).compile()
    client.index_expr_create("test", "q", aerospike.INDEX_TYPE_DEFAULT, numeric, expression, "q_e")
    context = client.get_cdtctx_base64([cdt_ctx.cdt_ctx_map_key("x"), cdt_ctx.cdt_ctx_list_index(0)])
    for name, definition in {  # the client's own functions sleep for a second each
        "q_s": "bin=s;type=string",
        "q_y": "bin=y;type=blob",
        "q_g": "bin=g;type=geo2dsphere",
        "q_l": "bin=l;type=numeric;indextype=list",
        "q_mk": "bin=m;type=string;indextype=mapkeys",
        "q_mv": "bin=m;type=numeric;indextype=mapvalues",
        "q_n": f"bin=n;type=numeric;context={context}",
    }.items():
        command = f"sindex-create:namespace=test;set=q;indexname={name};{definition}"
        assert client.info_random_node(command).endswith("ok\n")
    yield client
    client.close()


def numbers(records: Any) -> list[int]:
    return sorted(record[2]["i"] for record in records)


# --- scans --------------------------------------------------------------------------------------------------


def test_scans(filled: Any) -> None:
    records = filled.scan("test", "q").results()
    assert numbers(records) == list(range(COUNT))
    assert {key[2] for key, _, _ in records} == set(range(COUNT))
    some = filled.scan("test", "q")
    some.select("i", "s")
    assert all(set(record[2]) == {"i", "s"} for record in some.results())
    headers: list[Any] = []
    filled.scan("test", "q").foreach(headers.append, {}, {"nobins": True})
    assert len(headers) == COUNT
    assert not any(record[2] for record in headers)
    assert filled.scan("test", "nothing").results() == []
    assert len(filled.scan("test").results()) >= COUNT


def test_scans_of_some_partitions_and_pages(filled: Any) -> None:
    found: list[int] = []
    for begin in range(0, 4096, 1024):
        some = {"partition_filter": {"begin": begin, "count": 1024}}
        found += numbers(filled.query("test", "q").results(some))
    assert sorted(found) == list(range(COUNT))
    query, pages = filled.query("test", "q"), []
    query.max_records = 80
    query.paginate()
    while not query.is_done():
        pages += [numbers(query.results())]
    assert sorted(number for page in pages for number in page) == list(range(COUNT))
    assert len(pages) > 5


def test_filters_durations_and_limits(filled: Any) -> None:
    below = {"expressions": exp.LT(exp.IntBin("i"), 10).compile()}
    assert numbers(filled.query("test", "q").results(below)) == list(range(10))
    for duration in ("LONG", "SHORT", "LONG_RELAX_AP"):
        policy = {"expected_duration": getattr(aerospike, f"QUERY_DURATION_{duration}")}
        assert numbers(filled.query("test", "q").results(policy)) == list(range(COUNT))
    query = filled.query("test", "q")
    query.max_records = 50
    assert len(query.results()) == 50
    slow = filled.query("test", "q")
    slow.records_per_second = 2000
    assert len(slow.results()) == COUNT


def test_a_callback_that_has_seen_enough_ends_a_query(shared: EmbeddedCluster, filled: Any) -> None:
    seen: list[int] = []
    scan = filled.scan("test", "q")
    scan.foreach(lambda record: (seen.append(record[2]["i"]), len(seen) < 3)[1])
    assert len(seen) == 3
    assert numbers(filled.scan("test", "q").results()) == list(range(COUNT))


# --- queries of indexes -------------------------------------------------------------------------------------

POINT, CIRCLE = aerospike.INDEX_TYPE_DEFAULT, 60_000.0
WHERE: dict[str, tuple[Callable[[], Any], Callable[[int], bool]]] = {
    "equal": (lambda: p.equals("i", 7), lambda n: n == 7),
    "between": (lambda: p.between("i", 30, 60), lambda n: 30 <= n <= 60),
    "string": (lambda: p.equals("s", "s3"), lambda n: n % 5 == 3),
    "blob": (lambda: p.equals("y", b"\x02"), lambda n: n % 7 == 2),
    "list": (lambda: p.range("l", aerospike.INDEX_TYPE_LIST, -20, -10), lambda n: 10 <= n <= 20),
    "map keys": (lambda: p.contains("m", aerospike.INDEX_TYPE_MAPKEYS, "k1"), lambda n: n % 3 == 1),
    "map values": (lambda: p.range("m", aerospike.INDEX_TYPE_MAPVALUES, 1, 5), lambda n: True),
    "radius": (lambda: p.geo_within_radius("g", 5.0, 0.5, CIRCLE), lambda n: abs(n / 10 - 5.0) < 0.54),
}


@pytest.mark.parametrize("what", WHERE)
def test_queries_of_indexes(filled: Any, what: str) -> None:
    predicate, matches = WHERE[what]
    query = filled.query("test", "q")
    query.where(predicate())
    assert numbers(query.results()) == [number for number in range(COUNT) if matches(number)]


def test_queries_by_context_expression_and_name(filled: Any) -> None:
    context = [cdt_ctx.cdt_ctx_map_key("x"), cdt_ctx.cdt_ctx_list_index(0)]
    by_context = filled.query("test", "q")
    by_context.where(p.equals("n", 4), context)
    assert numbers(by_context.results()) == list(range(4, COUNT, 11))
    by_expression = filled.query("test", "q")
    by_expression.where_with_expr(exp.Add(exp.IntBin("i"), 1000).compile(), p.between(None, 1003, 1005))
    assert numbers(by_expression.results()) == [3, 4, 5]
    by_name = filled.query("test", "q")
    by_name.where_with_index_name("q_i", p.between(None, 3, 5))
    assert numbers(by_name.results()) == [3, 4, 5]


def test_operations_project(filled: Any) -> None:
    query = filled.query("test", "q")
    query.where(p.between("i", 3, 5))
    more = expressions.expression_read("r", exp.Add(exp.IntBin("i"), 1).compile())
    query.add_ops([op.read("i"), more, lists.list_size("l")])
    assert sorted((record[2]["i"], record[2]["r"], record[2]["l"]) for record in query.results()) == [
        (3, 4, 2),
        (4, 5, 2),
        (5, 6, 2),
    ]


def test_pages_of_an_index_query_and_going_on_elsewhere(filled: Any) -> None:
    query, pages = filled.query("test", "q"), []
    query.where(p.between("i", 100, 299))
    query.max_records = 30
    query.paginate()
    while not query.is_done():
        pages += numbers(query.results())
    assert sorted(pages) == list(range(100, 300))
    half = {"begin": 0, "count": 2048}
    first = filled.query("test", "q")
    first.where(p.between("i", 100, 299))
    first.max_records = 50
    seen = numbers(first.results({"partition_filter": half}))
    second = filled.query("test", "q")
    second.where(p.between("i", 100, 299))
    going_on = {**half, "partition_status": first.get_partitions_status()}
    rest = numbers(second.results({"partition_filter": going_on}))
    whole = filled.query("test", "q")
    whole.where(p.between("i", 100, 299))
    assert sorted(seen + rest) == numbers(whole.results({"partition_filter": half}))


def test_an_index_that_is_not_there(filled: Any) -> None:
    query = filled.query("test", "q")
    query.where(p.equals("x", 1))
    with pytest.raises(aerospike.exception.IndexNotFound):
        query.results({"max_retries": 1})


def test_indexes_come_and_go(shared: EmbeddedCluster, filled: Any) -> None:
    filled.index_single_value_create("test", "r", "i", aerospike.INDEX_NUMERIC, "r_i")
    with pytest.raises(aerospike.exception.IndexFoundError):
        filled.index_single_value_create("test", "r", "j", aerospike.INDEX_NUMERIC, "r_i")
    filled.put(("test", "r", 1), {"i": 5})
    query = filled.query("test", "r")
    query.where(p.equals("i", 5))
    assert len(query.results()) == 1
    filled.truncate("test", "r", 0)
    assert query.results() == []
    filled.index_remove("test", "r_i")
    with pytest.raises(aerospike.exception.IndexNotFound):
        query.results({"max_retries": 0})


def test_a_client_waits_for_an_index_that_is_being_built(shared: EmbeddedCluster, filled: Any) -> None:
    for node in shared.nodes:
        node.delay_indexes(2.5)
    start = time.monotonic()
    filled.index_single_value_create("test", "slow", "i", aerospike.INDEX_NUMERIC, "slow_i")
    assert time.monotonic() - start >= 2.5
    for node in shared.nodes:
        node.delay_indexes(0)
    filled.index_remove("test", "slow_i")


# --- faults in the middle -----------------------------------------------------------------------------------


@pytest.fixture
def faulty(shared: EmbeddedCluster, filled: Any) -> Iterator[EmbeddedCluster]:
    for node in shared.nodes:
        node.frame_queries(1)
    yield shared
    shared.heal()


def test_streams_that_break_are_gone_on_with(faulty: EmbeddedCluster, filled: Any) -> None:
    """The official client asks again for the partitions that it has not seen to their ends."""
    node = faulty.nodes[-1]
    faults: dict[str, Callable[[], object]] = {
        "cut": lambda: node.cut(after_frames=20, after_bytes=3),
        "code": lambda: node.fail_query(11, after_frames=5),
        "partitions": lambda: node.fail_partitions(100),
        "stall": lambda: node.stall(after_frames=10, seconds=0.1),
    }
    if len(faulty.nodes) == 3:
        faults |= {
            "move": lambda: faulty.move_partitions("test", 2000, seed=3, node=node, after_frames=7),
            "freeze": lambda: node.freeze(after_frames=7),
            "kill": lambda: node.kill(after_frames=7),
        }
    for where in (None, p.between("i", 0, COUNT)):
        for name, fault in faults.items():
            fault()
            query = filled.query("test", "q")
            if where is not None:
                query.where(where)
            policy = {"sleep_between_retries": 50, "max_retries": 40, "socket_timeout": 300}
            assert numbers(query.results(policy)) == list(range(COUNT)), name
            assert (node.running, node.faults_left) == (name != "kill", 0), name
            if name in ("freeze", "kill"):
                faulty.heal()
                for each in faulty.nodes:
                    each.frame_queries(1)
                eventually(lambda: is_asked(filled, node), timeout=20)


def is_asked(client: Any, node: Any) -> bool:
    """Whether the client knows the node, so that a query is sent to it."""
    before = node.stats.data_requests
    client.query("test", "q").results()
    return bool(node.stats.data_requests > before)


def test_garbage_in_a_stream_is_an_error(faulty: EmbeddedCluster, filled: Any) -> None:
    faulty.nodes[-1].garbage(after_frames=7)
    with pytest.raises(aerospike.exception.AerospikeError):
        filled.query("test", "q").results()
    assert numbers(filled.query("test", "q").results()) == list(range(COUNT))


# --- jobs ---------------------------------------------------------------------------------------------------


def finished(client: Any, job: int) -> Any:
    """What the client tells of a job that has ended."""

    def is_done() -> bool:
        status = client.job_info(job, aerospike.JOB_QUERY)["status"]
        return bool(status != aerospike.JOB_STATUS_INPROGRESS)

    eventually(is_done, timeout=20)
    return client.job_info(job, aerospike.JOB_QUERY)


def test_jobs_change_all_records(filled: Any) -> None:
    for number in range(100):
        filled.put(("test", "jobs", number), {"i": number})
    query = filled.query("test", "jobs")
    query.add_ops([op.increment("i", 1000)])
    told = finished(filled, query.execute_background())
    assert told["status"] == aerospike.JOB_STATUS_COMPLETED
    assert numbers(filled.query("test", "jobs").results()) == list(range(1000, 1100))
    scan = filled.scan("test", "jobs")
    scan.add_ops([op.write("m", 1)])
    policy = {"expressions": exp.LT(exp.IntBin("i"), 1010).compile()}
    finished(filled, scan.execute_background(policy))
    assert sum("m" in record[2] for record in filled.query("test", "jobs").results()) == 10
    remover = filled.query("test", "jobs")
    remover.add_ops([op.delete()])
    finished(filled, remover.execute_background())
    assert filled.query("test", "jobs").results() == []


def test_jobs_of_an_index(filled: Any) -> None:
    query = filled.query("test", "q")
    query.where(p.between("i", 490, 499))
    query.add_ops([op.write("t", 1)])
    finished(filled, query.execute_background())
    assert sum("t" in record[2] for record in filled.query("test", "q").results()) == 10


def test_jobs_of_a_set_that_is_not_there(filled: Any) -> None:
    query = filled.query("test", "no such set")
    query.add_ops([op.write("t", 1)])
    assert query.execute_background() != 0


def test_many_records_arrive() -> None:
    many = 8_000  # more than fit into a message
    with EmbeddedCluster() as cluster:
        client = connect(cluster)
        for number in range(many):
            client.put(("test", "many", number), {"i": number, "s": "text", "l": [1, 2, 3]})
        assert numbers(client.query("test", "many").results()) == list(range(many))
        client.close()
