"""top: what two looks at a cluster tell, and how it is shown."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from rich.console import Console

from pyspike import Client, Key
from pyspike.cli import main
from pyspike.cli.doctor_servers import pairs
from pyspike.cli.top import command
from pyspike.cli.top.applications import calls_of, parse
from pyspike.cli.top.figures import Rates, figures_of
from pyspike.cli.top.looking import Look
from pyspike.cli.top.tables import WIDE, shown
from pyspike.server import EmbeddedCluster
from support.interrupts import press
from support.shell import Shell

NONE = "0.00,0.00,0.00,0.00,0.00,0.00,0.00"
# Of a server 8.1.2, as it answers, but for what is not looked at.
BEFORE = Look(
    "A1",
    "127.0.0.1:3000",
    "8.1.2.0",
    100.0,
    pairs(
        "uptime=413;system_free_mem_pct=87;process_cpu_pct=23;objects=206957;client_connections=5;"
        "migrate_partitions_remaining=7"
    ),
    {
        "test": pairs(
            "objects=206957;master_objects=200000;data_used_pct=12;data_avail_pct=85;indexes_memory_used_pct=1;"
            "stop_writes=false;unavailable_partitions=0;client_read_success=100;client_read_not_found=10;"
            "client_read_error=0;client_read_timeout=0;client_write_success=50;client_write_timeout=0;"
            "client_delete_success=0;client_udf_complete=0;client_tsvc_error=0;client_proxy_complete=9;"
            "batch_sub_read_success=1000;batch_sub_write_error=0;from_proxy_read_success=0;"
            "xdr_client_write_success=3;client_lang_read_success=4;pi_query_long_basic_complete=6;"
            "si_query_short_basic_error=0;ops_sub_write_success=2"
        )
    },
    {
        "batch-index": f"msec,57.9,{NONE}",
        "{test}-read": f"msec,10.5,{NONE}",
        "{test}-batch-sub-read": "msec,80000.0,82.98,65.06,32.35,5.67,1.28,0.99,0.00",
        "{test}-write": "",
        "{test}-batch-sub-write": f"msec,0.0,{NONE}",
    },
)


def after(changes: str, seconds: float = 2.0, **others: Any) -> Look:
    """What the same node answers later, with other numbers of its namespace."""
    numbers = {**BEFORE.namespaces["test"], **pairs(changes)}
    return replace(BEFORE, at=BEFORE.at + seconds, namespaces={"test": numbers}, **others)


def test_rates_are_what_was_counted_between_two_looks() -> None:
    later = after(
        "client_read_success=120;client_read_not_found=14;batch_sub_read_success=1100;client_write_success=56;"
        "client_delete_success=2;client_udf_complete=2;pi_query_long_basic_complete=8;client_read_timeout=1;"
        "si_query_short_basic_error=1;client_tsvc_error=2;batch_sub_write_error=2;from_proxy_read_success=6;"
        # These are told a second time, where they were served or as what they are part of.
        "client_proxy_complete=99;xdr_client_write_success=99;client_lang_read_success=99;ops_sub_write_success=99"
    )
    figures = figures_of([BEFORE], [later])
    assert figures.seconds == 2.0
    expected = Rates(
        reads=(20 + 4 + 100 + 6) / 2, writes=(6 + 2 + 2) / 2, queries=1.0, failed=(1 + 1 + 2 + 2) / 2
    )
    assert figures.nodes[0].rates == figures.namespaces[0].rates == expected


def test_a_node_and_a_namespace_tell_how_they_are() -> None:
    figures = figures_of([], [BEFORE])
    (node,), (namespace,) = figures.nodes, figures.namespaces
    assert (node.connections, node.objects, node.memory_used, node.cpu_used, node.migrating) == (
        5,
        206957,
        13,
        23,
        7,
    )
    assert (namespace.objects, namespace.data_used, namespace.index_used) == (200000, 12, 1)
    assert (node.rates, namespace.rates) == (None, None)


def test_99_percent_are_told_by_the_slowest_histogram() -> None:
    namespace = figures_of([], [BEFORE]).namespaces[0]
    assert namespace.read_p99 == 32.0  # 1.28 % took longer than 16 ms, 0.99 % longer than 32
    assert namespace.write_p99 is None
    finer = {"{test}-write": "usec,5.0,50.00,2.00,1.00,0.00", "{test}-read": "msec,5.0,9.00,8.00"}
    namespace = figures_of([], [replace(BEFORE, latencies=finer)]).namespaces[0]
    assert (namespace.read_p99, namespace.write_p99) == (4.0, 0.004)


def test_nodes_are_summed_and_the_fullest_is_told() -> None:
    other = replace(BEFORE, name="A2")
    later = after("client_read_success=110;data_used_pct=70;stop_writes=true;unavailable_partitions=5")
    fuller = replace(after("client_read_success=130;unavailable_partitions=6"), name="A2")
    figures = figures_of([BEFORE, other], [later, fuller])
    namespace = figures.namespaces[0]
    assert namespace.rates == Rates(20.0, 0.0, 0.0, 0.0)
    assert (namespace.objects, namespace.data_used) == (400000, 70)
    assert namespace.warnings == ["stop_writes", "11 unavailable partitions"]


def test_of_a_node_that_is_new_or_has_begun_anew_there_are_no_rates() -> None:
    restarted = figures_of([BEFORE], [after("client_read_success=1")])
    assert restarted.nodes[0].rates is None
    both = figures_of([BEFORE], [after("client_read_success=110"), replace(BEFORE, name="A2")])
    assert [node.rates for node in both.nodes] == [Rates(5.0, 0.0, 0.0, 0.0), None]
    assert both.namespaces[0].rates == Rates(5.0, 0.0, 0.0, 0.0)


def test_what_a_version_does_not_tell_is_left_out() -> None:
    silent = Look("A1", "a:3000", "6.0", 1.0, {}, {"test": {}}, {})
    figures = figures_of([silent], [replace(silent, at=2.0)])
    assert figures.nodes[0].objects is figures.namespaces[0].data_used is None
    assert "-" in text(figures_of([], [silent]))


def text(figures: Any, width: int = WIDE) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width).print(shown(figures, width))
    return screen.getvalue()


def test_the_tables_have_a_row_for_each_node_and_namespace() -> None:
    down = Look("A2", "10.0.0.2:3000", "8.1.2.0", 101.0, error="no answer within 1000 ms")
    lines = text(figures_of([BEFORE], [after("client_read_success=2000100"), down])).splitlines()
    rows = [re.split(r"  +", line.strip()) for line in lines if line]
    told = "node address version read/s write/s query/s fail/s conns objects mem% cpu% moving"
    assert " ".join(rows[0]) == told
    assert rows[2] == [
        "A1",
        "127.0.0.1:3000",
        "8.1.2.0",
        "1,000,000",
        "0",
        "0",
        "0",
        "5",
        "206,957",
        "13",
        "23",
        "7",
    ]
    assert rows[3] == ["A2", "10.0.0.2:3000", "8.1.2.0", "no answer within 1000 ms"]
    assert rows[4][0] == "namespace"
    assert rows[6] == ["test", "1,000,000", "0", "0", "0", "200,000", "12", "1", "<=32 ms", "-"]


def test_on_a_narrow_terminal_nodes_are_told_by_their_addresses() -> None:
    lines = text(figures_of([], [BEFORE]), 90).splitlines()
    assert lines[0].split()[:2] == ["address", "read/s"]
    assert lines[2].split()[0] == "127.0.0.1:3000"
    assert max(map(len, lines)) <= 90


@pytest.fixture
def shell(hosts: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(hosts, capsys)


def test_json_has_what_the_cluster_does(
    shell: Shell, client: Client, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = command.look

    def look_after_work(*arguments: Any) -> Sequence[Look]:
        client.batch_put(
            [((key.namespace, key.set_name, f"{key.user_key} {n}"), {"a": 1}) for n in range(50)]
        )
        return looked(*arguments)

    monkeypatch.setattr(command, "look", look_after_work)
    told = shell.json("top", "--once", "--interval", "0.1")
    assert {node["name"] for node in told["nodes"]} == set(client.node_names())
    (test,) = (each for each in told["namespaces"] if each["name"] == "test")
    assert test["rates"]["writes"] * told["seconds"] >= 49
    assert test["objects"] >= 50


def test_tables_follow_each_other_where_there_is_no_terminal(shell: Shell) -> None:
    assert shell("top", "--count", "2", "--interval", "0.1") == 0
    assert [line.split()[0] for line in shell.out.splitlines() if "read/s" in line] == [
        "node",
        "namespace",
    ] * 2
    assert "\x1b" not in shell.out


def test_hosts_can_be_an_argument(hosts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", hosts, "--once", "--interval", "0.1"]) == 0
    assert hosts.partition(",")[0] in capsys.readouterr().out


@pytest.mark.embedded_only
def test_a_node_that_does_not_answer_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedCluster(nodes=2) as cluster:
        looked = command.look

        def look_at_a_frozen_one(*arguments: Any) -> Sequence[Look]:
            cluster.nodes[1].freeze()
            return looked(*arguments)

        monkeypatch.setattr(command, "look", look_at_a_frozen_one)
        told = Shell(cluster.hosts, capsys).json("top", "--once", "--interval", "0.1", "--timeout", "200")
        cluster.nodes[1].thaw()
    assert [bool(node["error"]) for node in told["nodes"]] == [False, True]


def test_ctrl_c_is_how_it_ends_on_a_terminal(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(command, "Console", lambda: Console(file=screen, force_terminal=True, width=WIDE))
    shown_once = command.shown

    def show_and_press(*arguments: Any) -> Any:
        press()
        return shown_once(*arguments)

    monkeypatch.setattr(command, "shown", show_and_press)
    assert main(["top", "--hosts", hosts, "--interval", "0.1"]) == 0
    assert "looking" in screen.getvalue()


def test_a_cluster_that_can_not_be_reached_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "127.0.0.1:1", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "ConnectFailed"


def exposed(calls: tuple[int, int, int], failed: int = 0) -> str:
    """What an application shows: of 2 nodes, so many calls within 1 ms, within 2 ms, and in all."""
    lines = [
        "# HELP db_client_operation_duration_seconds Duration of calls.",
        "up 1",
        'python_info{a="b"} 1.0 123',
    ]
    for node in ("a", "b"):
        of = f'db_namespace="test",db_operation_name="get",server_address="{node}"'
        for limit, count in zip(("0.001", "0.002", "+Inf"), calls, strict=True):
            lines.append(f'db_client_operation_duration_seconds_bucket{{{of},le="{limit}"}} {count}')
        lines.append(f'aerospike_client_errors_total{{{of},error_type="Odd \\"name\\""}} {failed}')
    return "\n".join(lines)


def test_an_applications_calls_are_told_by_what_it_shows_to_prometheus() -> None:
    before, later = parse(exposed((10, 10, 10)), 1.0), parse(exposed((60, 109, 110), failed=3), 3.0)
    (call,) = calls_of(before, later)
    assert (call.method, call.namespace, call.calls, call.failed) == ("get", "test", 100.0, 3.0)
    assert (call.p50, call.p99) == (1.0, 2.0)
    (call,) = calls_of(before, parse(exposed((10, 10, 100)), 3.0))
    assert (call.calls, call.p99) == (90.0, None)  # longer than the histogram goes
    assert calls_of(later, before) == calls_of(later, parse(exposed((1, 1, 1)), 9.0)) == []


def test_top_shows_an_application_beside_the_cluster(shell: Shell) -> None:
    shown = iter([exposed((0, 0, 0)), None, exposed((5, 10, 10))])

    class Application(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = next(shown)
            self.send_response(503 if text is None else 200)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Application) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/metrics"
            assert shell("top", "--count", "2", "--interval", "0.1", "--metrics", url) == 0
        finally:
            server.shutdown()
            thread.join()
    rows = [line.split() for line in shell.out.splitlines() if line.startswith("get ")]
    assert [row[-4:] for row in rows] == [["<=1", "ms", "<=2", "ms"]]  # one look found it away


@pytest.mark.parametrize(("url", "code"), [("nosuch", 2), ("http://127.0.0.1:1/metrics", 1)])
def test_an_application_that_shows_nothing_is_told(url: str, code: int, shell: Shell) -> None:
    assert shell("top", "--once", "--metrics", url) == code
    assert url in shell.error
