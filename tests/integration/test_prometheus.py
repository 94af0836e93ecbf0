"""A client's numbers for Prometheus, judged by the parser and the registry of `prometheus_client`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Client, ClientMetrics, ClientPolicy, Key, RecordNotFound
from pyspike.stats import ClientStats

pytest.importorskip("prometheus_client")

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pyspike.telemetry import prometheus
from pyspike.telemetry.families import exported

pytestmark = pytest.mark.both_kinds


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def used(client: Client, key: Key) -> None:
    client.put(key, {"a": 1})
    for _ in range(3):
        client.get(key)
    client.delete(key)
    with pytest.raises(RecordNotFound):
        client.get(key)


def test_the_text_is_read_by_the_parser_and_has_the_numbers(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        used(client, key)
        seen = client.metrics()
        found = samples(prometheus.text(client, name='ma"in\\'))
        gets = [
            (labels, value)
            for labels, value in found["db_client_operation_duration_seconds_count"]
            if labels["db_operation_name"] == "get" and "error_type" not in labels
        ]
        assert sum(value for _, value in gets) == seen.of(method="get").latency.count == 4
        labels = gets[0][0]
        assert labels["db_system_name"] == "aerospike"
        assert labels["db_namespace"] == "test"
        assert labels["client"] == 'ma"in\\'
        assert labels["server_port"].isdigit()
        buckets = [
            (float(each["le"]), value)
            for each, value in found["db_client_operation_duration_seconds_bucket"]
            if {**each, "le": ""} == {**labels, "le": ""}
        ]
        assert buckets == sorted(buckets)
        assert len(buckets) == 21
        assert buckets[0][0] == 0.0000625
        assert buckets[-1] == (float("inf"), gets[0][1])
        assert sum(value for _, value in found["aerospike_client_sent_bytes_total"]) == seen.total.sent_bytes
        assert sum(value for _, value in found["aerospike_client_not_found_total"]) == 1
        [(failed, count)] = [
            each for each in found["db_client_operation_duration_seconds_count"] if "error_type" in each[0]
        ]
        assert (failed["error_type"], failed["db_operation_name"], count) == ("RecordNotFound", "get", 1)
        nodes = client.stats().nodes
        assert found["aerospike_client_nodes"][0][1] == len(nodes)
        states = {labels["db_client_connection_state"] for labels, _ in found["db_client_connection_count"]}
        assert states == {"idle", "used"}


def test_a_collector_gives_the_same_to_a_registry(hosts: str, key: Key) -> None:
    with Client(hosts) as client:
        used(client, key)
        registry = CollectorRegistry()
        registry.register(prometheus.Collector(client))
        of_registry = samples(generate_latest(registry).decode())
        of_text = samples(prometheus.text(client))
        names = {name for name in of_registry if not name.endswith("_created")}
        assert names == set(of_text)
        for name in names:
            shown = [
                sorted(
                    ({key: value for key, value in labels.items() if value}.items(), number)
                    for labels, number in given
                )
                for given in (of_registry[name], of_text[name])
            ]  # a registry has empty labels where the text has none
            assert [list(map(tuple, each)) for each in shown[:1]] == [
                list(map(tuple, each)) for each in shown[1:]
            ]


def test_several_clients_share_a_registry_by_their_names(hosts: str, key: Key) -> None:
    with Client(hosts) as one, Client(hosts, ClientPolicy(min_conns_per_node=1)) as other:
        one.put(key, {"a": 1})
        other.get(key)
        registry = CollectorRegistry()
        registry.register(prometheus.Collector(one, "one"))
        registry.register(prometheus.Collector(other, "other"))
        text = generate_latest(registry).decode()
        counts = samples(text)["db_client_operation_duration_seconds_count"]
        assert {(labels["client"], labels["db_operation_name"]) for labels, _ in counts} == {
            ("one", "put"),
            ("other", "get"),
        }


class Labelled:
    """A client of which a configuration file has labels."""

    def __init__(self, client: Client, labels: Mapping[str, str]) -> None:
        self._client = client
        self._labels = labels

    def metrics(self) -> ClientMetrics:
        return replace(self._client.metrics(), labels=self._labels)

    def stats(self) -> ClientStats:
        return self._client.stats()


def test_labels_of_a_file_get_valid_names_that_nothing_else_has(hosts: str, key: Key) -> None:
    labels = {
        "my-region": "eu", "9x": "a", "a b": "c", "db_namespace": "q", "db.namespace": "r", "le": "5",
        "client": "me", "reason": "none", "a_b": "first", "__name__": "z", "é": "e", "": "nothing",
    }  # fmt: skip
    shown = {
        "my_region": "eu", "_9x": "a", "exported_a_b": "c", "exported_db_namespace": "q",
        "exported_exported_db_namespace": "r", "exported_le": "5", "exported_client": "me",
        "exported_reason": "none", "a_b": "first", "exported___name__": "z",
        "_": "nothing", "exported__": "e",
    }  # fmt: skip
    with Client(hosts) as client:
        used(client, key)
        registry = CollectorRegistry()
        registry.register(prometheus.Collector(Labelled(client, labels), "one"))
        for text in (
            prometheus.text(Labelled(client, labels), "one"),
            generate_latest(registry).decode(),
        ):
            for line in text.splitlines():  # what the parser does not see: a label that is there twice
                names = re.findall(r'([^,{}="]+)="', line)
                assert len(names) == len(set(names))
            found = samples(text)
            for name, value in shown.items():
                assert all(each[name] == value for of in found.values() for each, _ in of), name
            sent = found["aerospike_client_sent_bytes_total"]
            assert {each["db_namespace"] for each, _ in sent} == {"test"}
            assert {each["client"] for each, _ in sent} == {"one"}
            assert len({each["le"] for each, _ in found["db_client_operation_duration_seconds_bucket"]}) == 21


NAMES = st.text("ab_9 .-é", max_size=4) | st.sampled_from(["le", "exported_le", "server.port", "server-port"])


@pytest.mark.one_kind("it is about names")
@given(st.dictionaries(NAMES, st.text()))
def test_no_label_of_a_file_is_lost_and_all_their_names_are_valid(labels: dict[str, str]) -> None:
    found = exported(labels, ["le"], prometheus.label_name)
    assert sorted(found.values()) == sorted(labels.values())
    assert all(re.fullmatch(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", name) for name in found)
    assert not {"le", "server_port"} & set(found)
    assert found == exported(dict(reversed(labels.items())), ["le"], prometheus.label_name)


@pytest.mark.one_kind("it is about imports")
def test_the_text_needs_no_library_and_a_collector_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from pyspike.telemetry import prometheus\n"
        "try: prometheus.Collector(None)\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "a collector needs prometheus_client: pip install 'pyspike-aerospike[prometheus]'\n"
    )
