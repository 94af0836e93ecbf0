"""What a get costs over TLS, and in clear: CPU of the client, for pyspike and the official client in turn.

    python bench/tls.py [--gets 10000] [--rounds 5]

Each figure is of a process of its own that reads one record again and again from the same embedded node,
which has a port with TLS and one in clear. It prints the medians, and that of the ratios of each round.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEY = ("test", "bench", 1)
RECORD = {"a": 1, "b": "hello world", "c": 123456789}
NAME = "localhost"  # in the certificate
CLIENTS = ("pyspike", "aerospike")
PATIENCE = 20_000  # ms
WARM = 500  # gets before the first that counts


def pyspike_get(port: int, authority: str | None) -> Callable[[Any], object]:
    """The `get` of pyspike, over TLS if there is an authority to trust."""
    from pyspike import Client, ClientPolicy, ReadPolicy, TLSPolicy

    tls = None if authority is None else TLSPolicy(ca_file=authority)
    read = ReadPolicy(total_timeout=PATIENCE)
    host = ("127.0.0.1", port) if authority is None else ("127.0.0.1", port, NAME)
    client = Client([host], ClientPolicy(timeout=PATIENCE, tls=tls, read=read))
    client.put(KEY, RECORD, timeout=PATIENCE)
    return client.get


def aerospike_get(port: int, authority: str | None) -> Callable[[Any], object]:
    """That of the official client."""
    import aerospike

    host = ("127.0.0.1", port) if authority is None else ("127.0.0.1", port, NAME)
    policies = {"read": {"total_timeout": PATIENCE}, "write": {"total_timeout": PATIENCE}}
    config: dict[str, Any] = {"hosts": [host], "policies": policies}
    if authority is not None:
        config["tls"] = {"enable": True, "cafile": authority}
    client = aerospike.client(config).connect()
    client.put(KEY, RECORD)
    get: Callable[[Any], object] = client.get
    return get


def cpu() -> float:
    """Seconds of CPU that this process has used, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(client: str, port: int, authority: str | None, gets: int) -> float:
    """Microseconds of CPU a get, in this process."""
    get = (pyspike_get if client == "pyspike" else aerospike_get)(port, authority)
    for _ in range(WARM):
        get(KEY)
    before = cpu()
    for _ in range(gets):
        get(KEY)
    return (cpu() - before) / gets * 1e6


def measured_apart(client: str, port: int, authority: str | None, gets: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--gets", str(gets), "--measure", client, str(port), authority or ""]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def compare(gets: int, rounds: int) -> None:
    """Measure both clients in turn, and print what came of it."""
    import trustme

    from pyspike.server import EmbeddedCluster

    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("certificate.pem", "key.pem", "ca.pem")]
        authority = trustme.CA()
        certificate = authority.issue_cert(NAME)
        certificate.cert_chain_pems[0].write_to_path(files[0])
        certificate.private_key_pem.write_to_path(files[1])
        authority.cert_pem.write_to_path(files[2])
        print(f"{'CPU a get, us':16}{CLIENTS[0]:>12}{CLIENTS[1]:>12}{'ratio':>8}")
        with EmbeddedCluster(tls=files[:2], tls_name=NAME, clear_ports=True, process=True) as cluster:
            (node,) = cluster.nodes
            for title, port, trusted in (
                ("over TLS", node.port, files[2]),
                ("in clear", node.clear_port, None),
            ):
                assert port is not None
                found = [
                    [measured_apart(client, port, trusted, gets) for client in CLIENTS] for _ in range(rounds)
                ]
                ours, theirs = (statistics.median(each) for each in zip(*found, strict=True))
                ratio = statistics.median(one / other for one, other in found)
                print(f"{title:16}{ours:12.1f}{theirs:12.1f}{ratio:8.2f}", flush=True)


def main() -> None:
    """Compare, or measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gets", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is None:
        compare(options.gets, options.rounds)
    else:
        client, port, authority = options.measure
        print(measure(client, int(port), authority or None, options.gets))


if __name__ == "__main__":
    main()
