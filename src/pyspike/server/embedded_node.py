"""What users hold: one node of an embedded cluster, with the faults that it can have.

Owns: arguments, defaults, documentation. Not here: the running node (topology/node.py) and its faults
(topology/fault_settings.py); every method is one request to the running cluster.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .arguments import PORT_MAX, check_bytes, check_integer, check_seconds
from .control.remote import Remote
from .protocol.result import ResultCode
from .topology.fault_settings import Counted
from .topology.membership import DETACH_AFTER
from .topology.state import NodeStats

__all__ = ["CODE_MAX", "EmbeddedNode"]

CODE_MAX = 255
UNAVAILABLE = int(ResultCode.UNAVAILABLE)


class EmbeddedNode:
    """One node of an embedded cluster, and the faults it can have.

    Faults last until they are used up, undone (`heal` undoes all), or the node starts again; only `mute`
    lasts through a start. Those which say "times" hit data requests only (not info requests, so tending goes
    on), the next ones that arrive at this node on any connection. A batch is one request.

    Raises:
        TypeError: by every method, an argument of another type than it says.
        ValueError: by every method, a negative time or number, or one that is too large.

    """

    def __init__(self, name: str, host: str, remote: Remote) -> None:
        self.name = name
        self.host = host
        self._remote = remote

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EmbeddedNode can't be pickled or copied: its cluster runs once")

    def __repr__(self) -> str:
        return f"<EmbeddedNode {self.name} {self.host}:{self.port}>"

    def _call(self, request: str, **args: Any) -> Any:
        return self._remote.ask(request, self.name, **args)

    def _count(self, fault: Counted, times: int, **values: Any) -> None:
        """Let a fault hit the next `times` data requests. `values`: other fields of `Faults`."""
        self._call("change_faults", times={fault.value: check_integer("times", times, 0)}, **values)

    def _let_happen(self, event: str, after_frames: int, **args: Any) -> None:
        """Let something happen in the middle of the next answer."""
        frames = check_integer("after_frames", after_frames, 0)
        self._count(Counted.EVENT, 1, event=event, event_frames=frames, event_args=args)

    @property
    def port(self) -> int:
        """The port on which the node listens; 0 before the cluster has started."""
        return self._remote.ports[self.name]

    @property
    def clear_port(self) -> int | None:
        """The port on which it listens without TLS, of a cluster that has `clear_ports`; None in others."""
        found: int | None = self._call("describe")["clear_port"]
        return found

    @property
    def running(self) -> bool:
        """Whether the node is up: neither stopped nor killed."""
        return self._remote.running and bool(self._call("describe")["running"])

    @property
    def stats(self) -> NodeStats:
        """What the node has counted so far: requests, and connections ever accepted and open now."""
        return NodeStats(**self._call("describe")["stats"])

    @property
    def faults_left(self) -> int:
        """How many data requests, or rows, the faults with `times` or `rows` are still to hit."""
        left: int = self._call("describe")["faults_left"]
        return left

    def stop(self) -> None:
        """Shut the node down: it answers what has arrived and closes its connections.

        Its replicas take over.
        """
        self._call("stop")

    def kill(self, detach_after: float = DETACH_AFTER, *, after_frames: int | None = None) -> None:
        """Reset the node's connections and stop it; the others advertise it until they notice.

        Args:
            detach_after: seconds until they do; then its partitions are taken over.
            after_frames: the node is killed in the middle of the next answer that has so many frames, when
                they are sent; None: now.

        """
        seconds = check_seconds("detach_after", detach_after)
        if after_frames is None:
            self._call("kill", detach_after=seconds)
        else:
            self._let_happen("kill", after_frames, detach_after=seconds)

    def start(self) -> None:
        """Start the node again after `stop` or `kill`, at the same port; it joins the cluster at once.

        Raises:
            OSError: the port is taken.

        """
        self._call("start", port=None)

    def restart(self, port: int | None = None) -> int:
        """Stop the node, if it is up, and start it again.

        Args:
            port: where it comes back; None is the same port, 0 any free one.

        Returns:
            The port it has now.

        Raises:
            OSError: the port is taken.

        """
        if port is not None:
            port = check_integer("port", port, 0, PORT_MAX)
        self._remote.ports[self.name] = now = int(self._call("restart", port=port))
        return now

    def heal(self) -> None:
        """Undo all faults of the node: it answers everything in time and completely. If it is down, it stays
        down.

        Raises:
            OSError: it refused connections, and its port is taken by now.

        """
        self._call("heal")

    def mute(self, seconds: float | None = None) -> None:
        """Accept connections and answer nothing, as a node that joins the cluster does for a while.

        The other nodes name it as a peer, and it owns its partitions. A node that is down, or is started
        again meanwhile, is mute from its start on::

            node.mute(2)
            node.restart()

        Args:
            seconds: how long; None: until `unmute`. Then what was sent meanwhile is read and answered.

        """
        self._call("mute", seconds=None if seconds is None else check_seconds("seconds", seconds))

    def unmute(self) -> None:
        """End `mute`."""
        self._call("unmute")

    def freeze(self, *, after_frames: int | None = None) -> None:
        """Read and answer nothing until `thaw`; the TCP connections stay up.

        Where records are strong-consistent, the other nodes wait for it: requests time out that need it as a
        master, and writes and linearized reads that need it as a replica. Such a write may be done.

        Args:
            after_frames: the node freezes in the middle of the next answer that has so many frames, when they
                are sent; None: now.

        """
        if after_frames is None:
            self._call("change_faults", frozen=True)
        else:
            self._let_happen("freeze", after_frames)

    def thaw(self) -> None:
        """End `freeze`: what was sent meanwhile is read and answered."""
        self._call("change_faults", frozen=False)

    def delay(self, seconds: float) -> None:
        """Send every answer later by `seconds` (0 ends it). Connections do not wait for each other."""
        self._call("change_faults", delay=check_seconds("seconds", seconds))

    def hold_writes(self, seconds: float, replica: EmbeddedNode | None = None) -> None:
        """Answer writes only after `seconds` (0 ends it), as a master does whose replica has died.

        Such a write is applied at once. The connection that it came on runs nothing else meanwhile; if it is
        closed before, what has come on it and was not run is dropped.

        Args:
            seconds: until what happens in place of the replica's answer: a time-out, or another cluster.
            replica: hold only the writes of partitions that this node has a replica of; None: all.
        """
        if not isinstance(replica, EmbeddedNode | None):
            raise TypeError(f"replica must be an EmbeddedNode or None, not {type(replica).__name__}")
        name = None if replica is None else replica.name
        self._call("change_faults", hold_seconds=check_seconds("seconds", seconds), hold_replica=name)

    def drip(self, bytes_per_chunk: int = 1, interval: float = 0.0) -> None:
        """Send every answer in pieces of `bytes_per_chunk` (0 ends it), `interval` seconds apart."""
        self._call(
            "change_faults",
            drip_bytes=check_integer("bytes_per_chunk", bytes_per_chunk, 0),
            drip_interval=check_seconds("interval", interval),
        )

    def cut(self, after_bytes: int | None = None, times: int = 1, *, after_frames: int | None = None) -> None:
        """Send only the first part of the next answers, and close. What was asked is done.

        The answer to a batch has several frames, of which the last one holds no row.

        Args:
            after_bytes: how many bytes of an answer are sent; None: half of them.
            times: how many answers.
            after_frames: how many frames are sent; `after_bytes` are those of the next frame then, None: 0.
                An answer with fewer frames is left as it is, and does not count.

        """
        self._count(
            Counted.CUT,
            times,
            cut_after=_integer_or_none("after_bytes", after_bytes),
            cut_frames=_integer_or_none("after_frames", after_frames),
        )

    def stall(
        self,
        after_bytes: int | None = None,
        times: int = 1,
        *,
        after_frames: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Send only the first part of the next answers; the connections stay open. What was asked is done.

        Nothing else is run on such a connection until the rest is sent. Other connections go on, unlike with
        `freeze`.

        Args:
            after_bytes: how many bytes of an answer are sent; None: half of them.
            times: how many answers.
            after_frames: how many frames are sent; `after_bytes` are those of the next frame then, None: 0.
                An answer with fewer frames is left as it is, and does not count.
            seconds: when the rest is sent; None: never.

        """
        self._count(
            Counted.STALL,
            times,
            stall_after=_integer_or_none("after_bytes", after_bytes),
            stall_frames=_integer_or_none("after_frames", after_frames),
            stall_seconds=None if seconds is None else check_seconds("seconds", seconds),
        )

    def close_after_request(self, times: int = 1) -> None:
        """Run the next requests, and close their connections without an answer."""
        self._count(Counted.CLOSE, times)

    def drop_before_execute(self, times: int = 1) -> None:
        """Close the connections of the next requests without running these."""
        self._count(Counted.DROP, times)

    def garbage(self, data: bytes | None = None, times: int = 1, *, after_frames: int = 0) -> None:
        """Run the next requests and answer other bytes instead; the connection stays up.

        Args:
            data: the bytes; None: random ones.
            times: how many answers.
            after_frames: how many frames of an answer are sent before them. An answer with fewer frames is
                left as it is, and does not count.

        """
        data = check_bytes("data", data)
        self._count(
            Counted.GARBAGE,
            times,
            garbage_data=None if data is None else data.hex(),
            garbage_frames=check_integer("after_frames", after_frames, 0),
        )

    def answer_with(self, code: int, times: int = 1, execute: bool = False) -> None:
        """Answer the next requests with result `code`.

        Args:
            code: a `pyspike.ResultCode`, or a number within 0..255.
            times: how many requests.
            execute: whether they are run all the same.

        """
        code = check_integer("code", code, 0, CODE_MAX)
        self._count(Counted.CODE, times, code=code, code_executes=bool(execute))

    def fail_rows(self, code: int, rows: int = 1, execute: bool = False) -> None:
        """Answer the next rows of batches with result `code`; what becomes of the batch is up to the client.

        Args:
            code: a `pyspike.ResultCode`, or a number within 0..255.
            rows: how many rows, in the order in which they are run.
            execute: whether they are run all the same.

        """
        code = check_integer("code", code, 0, CODE_MAX)
        self._call(
            "change_faults",
            times={Counted.ROW.value: check_integer("rows", rows, 0)},
            row_code=code,
            row_executes=bool(execute),
        )

    def fail_query(self, code: int, times: int = 1, *, after_frames: int = 0) -> None:
        """Let the next queries end with a result code in their last message, in place of the rest.

        Args:
            code: a `pyspike.ResultCode`, or a number within 0..255; 15 is that of a query which was aborted.
            times: how many queries.
            after_frames: how many frames of records are sent before. A query that has fewer is left as it is,
                and does not count.

        """
        self._count(
            Counted.QUERY,
            times,
            query_code=check_integer("code", code, 0, CODE_MAX),
            query_frames=check_integer("after_frames", after_frames, 0),
        )

    def fail_partitions(self, partitions: int = 1, code: int = UNAVAILABLE) -> None:
        """Tell the next partitions that queries ask for as not available, each with a notice of its own.

        Args:
            partitions: how many, in the order in which queries come to them.
            code: a `pyspike.ResultCode`, or a number within 0..255.

        """
        code = check_integer("code", code, 0, CODE_MAX)
        self._count(Counted.PARTITION, check_integer("partitions", partitions, 0), partition_code=code)

    def frame_queries(self, size: int) -> None:
        """Send the answers to queries in frames of about `size` bytes (0: as a server does, of one MiB).

        A frame has as many messages of records as it takes to have `size` bytes: so a size of 1 sends each
        record in a frame of its own.
        """
        self._call("change_faults", query_frame_bytes=check_integer("size", size, 0))

    def delay_indexes(self, seconds: float) -> None:
        """Let the indexes that are created from now on take so long to be built on this node (0 ends it).

        Until then the node tells how much is built, and queries that need the index get result 203.
        """
        self._call("change_faults", index_seconds=check_seconds("seconds", seconds))

    def refuse(self) -> None:
        """Close the listening port: connecting is refused, open connections stay open."""
        self._call("refuse")

    def accept(self) -> None:
        """End `refuse`.

        Raises:
            OSError: the port is taken by now.

        """
        self._call("accept")


def _integer_or_none(name: str, value: object) -> int | None:
    return None if value is None else check_integer(name, value, 0)
