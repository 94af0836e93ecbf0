"""Certificates for tests, and the switch by which a whole run is done over TLS (`pytest --tls`).

With the switch every embedded cluster speaks TLS, and every client that is to reach one, also the official
one.
Scenarios in processes of their own learn it by the environment.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Any

from pyspike import hosts as host_names

__all__ = ["NAME", "VARIABLE", "make_files", "switch_on", "wanted"]

VARIABLE = "PYSPIKE_TEST_TLS"  # the directory with the three files
NAME = "localhost"
CA, CERTIFICATE, KEY = "ca.pem", "certificate.pem", "key.pem"
PIPELINED = "is about many commands on one connection, of which there are none over TLS"
SILENT = (
    "waits for connections to a node that is silent before: over TLS they are not open before it has answered"
)
PLAIN = "has a server of its own that speaks no TLS"
OWN = "has certificates of its own"
SCRIPT = "runs a script in another process, which knows nothing of the run's certificates"
ADDRESS = "is about addresses as they are without TLS names, or about names of hosts that are made up"
PLAIN_ONLY = {  # what is skipped over TLS, by a part of its name
    "test_cancelling_at_random_mixes_up_no_answers": PIPELINED,
    "test_a_thousand_tasks_share_two_connections": PIPELINED,
    "pipelines_per_node_and_commands_per_pipeline": PIPELINED,
    "test_the_server_sees_a_reset_when_a_write_times_out": PLAIN,
    "with_daemon_threads_that_wait_for_ever": SILENT,
    "while_threads_are_waited_for": SILENT,
    "in_a_thread_pool": SILENT,
    "in_close": SILENT,
    "in_line_for_a_connection": SILENT,
    "test_no_deadline_ends_late_however_long_it_is": SILENT,
    "test_close_waits_no_longer_than_its_timeout": SILENT,
    "test_a_pool_that_can_not_serve_says_so_in_time": SILENT,
    "test_stats_tell_how_the_connections_are_used": SILENT,
    "max_conns_per_node_is_the_limit": SILENT,
    "test_an_error_tells_every_attempt": SILENT,
    "twice_goes_to_another_node_if_one_does_not_answer": SILENT,
    "twice_is_in_doubt_once_it_was_sent": SILENT,
    "test_nodes_that_fail_are_all_asked_again": SILENT,
    "test_nodes_that_do_not_begin_are_named_and_the_others_go_on": SILENT,
    "test_a_namespace_is_truncated_and_the_policy_has_the_deadline": SILENT,
    "test_both_clients_tell_the_same_of_a_timeout": SILENT,
    "max_waiting_per_node_refuses_the_next_at_once[tasks]": SILENT,
    "test_the_interpreters_exit_warns_where_it_warns_of_sockets": SCRIPT,
    "test_client_policy_tls_says_what_is_spoken": OWN,
    "test_client_from_url.py": OWN,
    "test_a_put_that_timed_out_behind_a_held_one_is_not_applied": PIPELINED,
    "test_hostile_server.py": PLAIN,
    "test_query_hostile.py": PLAIN,
    "test_one_seed_leads_to_all_nodes_and_partitions": ADDRESS,
    "test_all_nodes_back_elsewhere_are_found_by_the_seeds_name": ADDRESS,
    "test_each_address_of_a_name_is_tried": ADDRESS,
    "test_ipv6": ADDRESS,
    "test_unreachable_peers_are_named_with_what_mends_it": ADDRESS,
    "test_usual_addresses_are_used_where_alternate_ones_can_not_be_reached": ADDRESS,
    "test_a_seed_that_can_not_be_reached_is_tried_again_if_only_seeds_are_nodes": ADDRESS,
    "test_a_load_balancer_is_left_for_the_node_behind_it": ADDRESS,
}
OFFICIAL = "the official client asks the server for TLS addresses, and one behind a terminator has none"
PLAIN_ON_REAL = {"official": OFFICIAL, "test_indexes.py": OFFICIAL}  # the same with `--hosts`
_ports: set[int] = set()  # of clusters that this process has started


def wanted() -> bool:
    """Whether this run is done over TLS."""
    return VARIABLE in os.environ


def make_files() -> str:
    """A new directory with an authority, a certificate that it has signed, and the certificate's key."""
    import trustme

    folder = Path(tempfile.mkdtemp(prefix="pyspike-tls-"))
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(folder / CA)
    certificate.private_key_pem.write_to_path(folder / KEY)
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / CERTIFICATE, append=True)
    return str(folder)


def switch_on() -> None:
    """Have all clusters and clients of this process speak TLS."""
    from pyspike import TLSPolicy
    from pyspike.cluster.cluster import Cluster
    from pyspike.server import EmbeddedCluster

    folder = Path(os.environ[VARIABLE])
    policy = TLSPolicy(ca_file=folder / CA)
    files = (str(folder / CERTIFICATE), str(folder / KEY))
    make_cluster, start, make = EmbeddedCluster.__init__, EmbeddedCluster.start, Cluster.__init__

    @functools.wraps(make_cluster)
    def made_cluster(self: EmbeddedCluster, *args: Any, **options: Any) -> None:
        make_cluster(self, *args, **{"tls": files, "tls_name": NAME, **options})

    @functools.wraps(start)
    def started(self: EmbeddedCluster) -> EmbeddedCluster:
        start(self)
        _ports.update(node.port for node in self.nodes)
        return self

    @functools.wraps(make)
    def made(self: Cluster, hosts: Any, policy_given: Any, **options: Any) -> None:
        found = host_names.parse_hosts(hosts)
        if policy_given.tls is None and any(host.tls_name or host.port in _ports for host in found):
            hosts = [host_names.Host(host.name, host.port, NAME) for host in found]
            policy_given = policy_given.replace(tls=policy, pipelines_per_node=2, commands_per_pipeline=128)
        make(self, hosts, policy_given, **options)

    EmbeddedCluster.__init__ = made_cluster  # type: ignore[method-assign]
    EmbeddedCluster.start = started  # type: ignore[method-assign]
    Cluster.__init__ = made  # type: ignore[method-assign]
    _switch_official(str(folder / CA))


def _switch_official(authority: str) -> None:
    try:
        import aerospike
    except ImportError:
        return
    make = aerospike.client

    def client(config: dict[str, Any]) -> Any:
        hosts = [(host[0], host[1], NAME) for host in config["hosts"]]
        return make({**config, "hosts": hosts, "tls": {"enable": True, "cafile": authority}})

    aerospike.client = client


if wanted():
    switch_on()
