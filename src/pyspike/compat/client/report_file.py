"""The files that the official client writes metrics to, line by line (config-and-metrics.md 16.6)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pyspike.compat.aerospike_helpers.metrics import Cluster, Node
from pyspike.compat.model.exceptions import raised
from pyspike.version import __version__

__all__ = ["ReportFile"]

HEADER = (
    "header(2) cluster[name,clientType,clientVersion,appId,label[],cpu,mem,invalidNodeCount,commandCount,"
    "retryCount,delayQueueTimeoutCount,eventloop[],node[]] label[name,value] "
    "eventloop[processSize,queueSize] node[name,address,port,syncConn,asyncConn,namespace[]] "
    "conn[inUse,inPool,opened,closed,recovered,aborted] "
    "namespace[name,errors,timeouts,keyBusy,bytesIn,bytesOut,latency[]] "
    "latency({columns},{shift})[type[l1,l2,l3...]]"
)
NO_CONNECTIONS = "0,0,0,0,0,0"  # of tasks, which the official client has none of
KINDS = ("conn", "write", "read", "batch", "query")


class ReportFile:
    """Writes a line at each interval, and begins a new file when one has become too large.

    Args:
        folder: where files are; it has to be there.
        size_limit: the bytes from which on a file is followed by another one; 0 for none.
        columns: how many ranges of latencies there are.
        shift: the power of 2 by which ranges grow.
        labels: are in each line.

    Raises:
        ClientError: the file can't be made.
    """

    def __init__(
        self, folder: str, size_limit: int, columns: int, shift: int, labels: dict[str, str]
    ) -> None:
        self._folder = Path(folder)
        self._size_limit = size_limit
        self._header = HEADER.format(columns=columns, shift=shift)
        self._labels = ",".join(f"[{name},{text}]" for name, text in labels.items())
        self._load = time.process_time(), time.monotonic()
        self._open()

    def write(self, cluster: Cluster) -> None:
        """Write the line of a cluster."""
        told: Any = cluster
        nodes = ",".join(f"[{_node(node)}]" for node in told.nodes)
        self._line(
            f"cluster[{told.cluster_name or ''},python,{__version__},{told.app_id},[{self._labels}],"
            f"{self._cpu()},{_memory()},{told.invalid_node_count},{told.command_count},{told.retry_count},0,[],"
            f"[{nodes}]]"
        )
        if self._size_limit and self._size >= self._size_limit:
            self.close()
            self._open()

    def write_node(self, node: Node) -> None:
        """Write the line of a node that has left the cluster."""
        self._line(f"node[{_node(node)}]")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        path = self._folder / time.strftime("metrics-%Y%m%d%H%M%S.log")
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise raised("ClientError", f"Failed to open file: {path}: {error.strerror}") from None
        self._size = 0
        self._line(self._header)

    def _line(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        self._file.write(line)
        self._file.flush()
        self._size += len(line)

    def _cpu(self) -> int:
        """The percent of a processor that the process has used since the last line."""
        used, now = time.process_time(), time.monotonic()
        before, self._load = self._load, (used, now)
        return round(100 * (used - before[0]) / max(now - before[1], 0.001))


def _memory() -> int:
    """The virtual memory of the process in kilobytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return pages * os.sysconf("SC_PAGESIZE") // 1024
    except OSError:
        return 0


def _node(node: Any) -> str:
    conns = node.conns
    used = f"{conns.in_use},{conns.in_pool},{conns.opened},{conns.closed},{conns.recovered},{conns.aborted}"
    spaces = ",".join(_namespace(each) for each in node.metrics)
    return f"{node.name},{node.address},{node.port},{used},{NO_CONNECTIONS},[{spaces}]"


def _namespace(space: Any) -> str:
    latencies = ",".join(f"{kind}[{','.join(map(str, getattr(space, f'{kind}_latency')))}]" for kind in KINDS)
    return (
        f"{space.ns},{space.error_count},{space.timeout_count},{space.key_busy_count},{space.bytes_in},"
        f"{space.bytes_out},[{latencies}]"
    )
