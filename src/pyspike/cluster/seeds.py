"""The hosts that the user named: all are tried at the same time, each at all its addresses, by one deadline.

They are asked when no node answers: at the start, and whenever all nodes are gone; then their names are
resolved anew.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from pyspike.cluster.addresses import left_ms
from pyspike.cluster.connect import Door
from pyspike.cluster.parallel import LATE, ParallelJobs
from pyspike.cluster.probe import Probe, ask, ask_peers, probe_host, reason
from pyspike.errors import (
    AerospikeError,
    Attempt,
    ConnectFailed,
    SecurityError,
    from_code,
)
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy
from pyspike.result_code import ResultCode

__all__ = ["Seeds", "of_one_cluster"]

log = logging.getLogger("pyspike.cluster")

GRACE = 0.05  # seconds that other seeds get once a server that knows peers has answered
DEFAULT_ADVICE = "check that the hosts are right, that a server runs there and that no firewall is between"
SPEAKS_TLS = "if the ports speak TLS, give ClientPolicy(tls=...), and the hosts as 'host:tls-name:port'"
ORPHAN_GRACE = 0.25  # the part of the timeout that they get once a server without peers has answered


class Seeds:
    """The seed hosts of one cluster.

    Raises:
        InvalidArgument: a host has a TLS name without TLS, so that its connections would be in plain text, or
            none with TLS.
    """

    def __init__(self, hosts: Sequence[Host], door: Door, policy: ClientPolicy) -> None:
        for host in hosts:
            door.check(host)
        self.hosts = tuple(hosts)
        self._door = door
        self._policy = policy
        self._hanging: dict[Host, threading.Thread] = {}
        self._refusal: tuple[ResultCode, str] | None = None  # of the user, by a server, that time
        self._failures: dict[Host, Attempt] = {}  # of the last time, if nobody answered; swapped whole
        self._advice = DEFAULT_ADVICE

    def follow(self, policy: ClientPolicy) -> None:
        """Reach hosts by another policy from now on."""
        self._policy = policy

    def find(self, deadline: float) -> list[Probe]:
        """Connect to all seeds, and give the servers of one cluster that answered, each once.

        Once a server has answered, the others get a short time more.

        Args:
            deadline: how long that may take, in `time.monotonic()`'s time.

        Returns:
            The servers; the first is one that knows peers, if any of them does.

        Raises:
            ConnectFailed: no server answered; the message has the reason of each seed.
            SecurityError: none that answered accepts the user.
        """
        started = time.monotonic()
        found: list[Probe] = []
        failures: dict[Host, Attempt] = {}
        advice: list[str] = []
        refusal: SecurityError | None = None
        jobs: dict[Host, Callable[[], Probe]] = {}
        for host in self.hosts:
            thread = self._hanging.get(host)
            if thread is not None and thread.is_alive():
                failures[host] = Attempt(None, "an earlier look-up of the name still hangs", 0.0, False)
            else:
                jobs[host] = functools.partial(_probe_seed, host, self._door, self._policy, deadline)
        end = deadline + LATE
        with ParallelJobs(jobs, Probe.close) as running:
            while (taken := running.take(end)) is not None:
                host, result = taken
                elapsed = (time.monotonic() - started) * 1000
                if isinstance(result, Probe):
                    found.append(result)
                    settled = result.peers is not None and result.peers.peers
                    grace = GRACE if settled else self._policy.timeout / 1000 * ORPHAN_GRACE
                    end = min(end, time.monotonic() + grace)
                else:
                    if isinstance(result, SecurityError):
                        refusal = result
                    why = reason(result).replace(f"no connection to {host}", "no connection")
                    failures[host] = Attempt(None, why, elapsed, False)
                    advice.append(result.advice if isinstance(result, AerospikeError) else "")
            late = {host: running.threads[host] for host in running.unfinished if host in running.threads}
        self._hanging = {h: t for h, t in (self._hanging | late).items() if t.is_alive()}
        if found:
            self._failures = {}
            for host, attempt in failures.items():
                log.info("seed %s: %s", host, attempt.error)
            return of_one_cluster(found)
        waited = (time.monotonic() - started) * 1000
        for host in late:
            failures[host] = Attempt(None, f"no answer within {self._policy.timeout:g} ms", waited, False)
        told = None if refusal is None else (refusal.result_code, refusal.message)
        del refusal  # its traceback has frames of threads that are gone
        raise self.unusable({host: failures[host] for host in self.hosts}, advice, told)

    def unusable(
        self,
        failures: Mapping[Host, Attempt],
        advice: Iterable[str],
        refusal: tuple[ResultCode, str] | None,
    ) -> AerospikeError:
        """The error of seeds of which none can be used, which `last_failure` gives from now on.

        Args:
            failures: what came of each.
            advice: that of their errors, as far as they have any.
            refusal: with which code and words one refused the user; None if none did.
        """
        self._failures = dict(failures)
        self._advice = next(filter(None, advice), self._usual_advice())
        self._refusal = refusal
        return self._unusable()

    def _usual_advice(self) -> str:
        """What to do where the errors have no advice of their own."""
        hung_up = any("instead of answering" in attempt.error for attempt in self._failures.values())
        return SPEAKS_TLS if hung_up and self._policy.tls is None else DEFAULT_ADVICE

    def last_failure(self) -> AerospikeError | None:
        """The error of the last `find`, if nobody answered it."""
        return self._unusable() if self._failures else None

    def _unusable(self) -> AerospikeError:
        """The error that lists every host with its reason; one of its own if a server refused the user."""
        error = _unusable(self._failures, self._advice)
        if self._refusal is None:
            return error
        code, message = self._refusal
        return from_code(code, message, attempts=error.attempts)

    def __str__(self) -> str:
        return ",".join(map(str, self.hosts))

    def after_fork(self) -> None:
        """Start over in a child process, where the threads that resolve names are gone."""
        self._hanging = {}


def _unusable(failures: Mapping[Host, Attempt], advice: str) -> ConnectFailed:
    """The error that lists every host with its reason."""
    reasons = [f"{host}: {attempt.error}" for host, attempt in failures.items()]
    return ConnectFailed(
        f"no seed host can be used: {'; '.join(reasons)}",
        attempts=[
            Attempt(None, why, attempt.elapsed_ms, False)
            for why, attempt in zip(reasons, failures.values(), strict=True)
        ],
        advice=advice,
    )


def _probe_seed(host: Host, door: Door, policy: ClientPolicy, deadline: float) -> Probe:
    found = probe_host(host, door, policy, deadline, seed=True)
    try:
        with door.waits.on(found.connection):
            found.peers = ask_peers(
                lambda commands: ask(found.connection, commands, left_ms(deadline)), policy, host
            )
    except AerospikeError as error:
        found.close()
        raise AerospikeError(f"node {found.name} does not tell its peers: {reason(error)}") from error
    except BaseException:
        found.close()
        raise
    return found


def of_one_cluster(found: list[Probe]) -> list[Probe]:
    """Of the servers that answered, those of one cluster, each once; the connections to others are closed.

    The first is the server that knows the most peers; the others are peers of it.
    """
    found.sort(key=lambda probe: -len(probe.peers.peers if probe.peers else ()))
    first = found[0]
    known = {peer.name for peer in first.peers.peers} if first.peers else set()
    kept = {first.name: first}
    for other in found[1:]:
        if other.name in known and other.name not in kept:
            kept[other.name] = other
            continue
        other.close()
        if other.name not in kept:
            log.warning(
                "seed %s is node %s, which node %s does not know as a peer; it is left out",
                other.endpoint, other.name, first.name,
            )  # fmt: skip
    return list(kept.values())
