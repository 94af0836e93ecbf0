"""Aggregating records: the nodes' part of a stream function, and then the client's part, in Lua.

Each node runs the function over its own records, and gives what it made of them in groups. If a node fails,
what the others gave is of no use: so all of them are asked again, where that makes sense.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from pyspike._types import Milliseconds
from pyspike._wire import (
    Executor,
    Settings,
    Statement,
    Trace,
    aggregate_on,
    aggregate_request,
    new_query_number,
    packed_call,
    timeout_ms,
)
from pyspike.cluster import udf_modules
from pyspike.cluster.all_nodes import masters
from pyspike.cluster.cluster import Cluster
from pyspike.cluster.info_names import known_namespace
from pyspike.cluster.retry import jittered, may_pass, name_index, note_failure
from pyspike.errors import (
    AerospikeError,
    Attempt,
    ClientClosed,
    InvalidArgument,
    InvalidType,
    TimeoutError,
    UdfError,
    UnsupportedFeature,
)
from pyspike.policy import AdminPolicy
from pyspike.showing import shown

__all__ = ["aggregate"]

log = logging.getLogger("pyspike.udf")

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)


def aggregate(
    cluster: Cluster,
    executor: Executor,
    statement: Statement,
    module: str,
    function: str,
    args: Sequence[Any],
    settings: Settings,
    admin: AdminPolicy,
    timeout: Milliseconds | None,
) -> list[Any]:
    """What a stream function gives of all records that a statement finds.

    Args:
        cluster: whose nodes have them.
        executor: who watches the client's calls is told by it.
        statement: which records.
        module: the name of the function's module, with or without ".lua".
        function: its name.
        args: its arguments, behind the stream.
        settings: those of a `QueryPolicy`.
        admin: how long a node may take to tell what is in a module.
        timeout: the deadline of the nodes' part; None for that of the settings.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
        UnsupportedFeature: there is no Lua here.
        UdfError: there is no such module or function, or it failed, on a node or here.
        ServerError: a node refused it.
        TimeoutError, ConnectionError: a node did not answer.
        ConnectFailed, ClientClosed: no node is known, or the client is closed.
    """
    if not isinstance(statement, Statement):
        raise InvalidType(f"what is aggregated must be told by a Statement, not {shown(statement)}")
    if settings.filter_expression is not None:
        raise InvalidArgument("an aggregation has no filter expression", advice="filter in the function")
    call = packed_call(module, function, args)
    total = settings.total_timeout if timeout is None else timeout_ms(timeout)
    trace = executor.open_call("aggregate", statement.namespace, statement.set_name)
    with nullcontext() if trace is None else trace:
        return _aggregated(cluster, statement, call, args, settings, admin, total, trace)


def _aggregated(
    cluster: Cluster,
    statement: Statement,
    call: tuple[str, str, bytes],
    args: Sequence[Any],
    settings: Settings,
    admin: AdminPolicy,
    total: float,
    trace: Trace | None,
) -> list[Any]:
    from pyspike.lua.aggregation import reduce_results
    from pyspike.lua.interpreter import LuaError, LuaMissingError

    def required(name: str) -> bytes | None:
        try:
            return _source(cluster, name, admin)
        except UdfError:
            return None

    def told(level: int, words: str) -> None:
        log.log(_LEVELS[min(max(level, 0), len(_LEVELS) - 1)], "%s", words)

    known_namespace(cluster, statement.namespace)
    source = _source(cluster, call[0], admin)
    try:
        # What is wrong with the module is told before the nodes are asked.
        reduce_results(call[0], source, call[1], args, (), required=required, log=told)
        values = _ask_all(cluster, statement, call, settings, total, trace)
        return list(reduce_results(call[0], source, call[1], args, values, required=required, log=told))
    except LuaMissingError:
        raise UnsupportedFeature(
            "the last part of an aggregation is done here, and there is no Lua",
            advice="pip install 'pyspike-aerospike[lua]'",
        ) from None
    except LuaError as error:
        raise UdfError(str(error)) from None


def _source(cluster: Cluster, name: str, policy: AdminPolicy) -> bytes:
    return udf_modules.read(cluster, name, policy).encode("utf-8", "surrogateescape")


def _ask_all(
    cluster: Cluster,
    statement: Statement,
    call: tuple[str, str, bytes],
    settings: Settings,
    total: float,
    trace: Trace | None,
) -> list[Any]:
    """What all nodes give; all of them are asked again if one fails in a way that may pass."""
    end = time.monotonic() + total / 1000 if total else None
    tries = 0
    while True:
        began = time.monotonic()
        if cluster.closed:
            raise ClientClosed("the client is closed")
        cluster.ensure_running()
        left = total if end is None else (end - time.monotonic()) * 1000
        if end is not None and left < 1:
            raise TimeoutError("no time was left to ask the nodes again", timeout=total)
        number = new_query_number()
        signed = number - 2**64 if number >= 2**63 else number  # the same 8 bytes
        try:
            nodes = masters(
                cluster, statement.namespace, "their records would be missing", also_given_up=True
            ).values()
            values = aggregate_on(
                [(node, aggregate_request(statement, settings, signed, call, timeout=left)) for node in nodes]
            )
            if trace is not None:
                for node in nodes:
                    trace.note_answered(node.name, 0.0, (time.monotonic() - began) * 1000)
            return values
        except AerospikeError as error:
            failure = error
        name_index(failure, statement)
        failure.timeout = total or None
        if trace is not None:
            elapsed = (time.monotonic() - began) * 1000
            trace.note_failed(failure.node, Attempt(failure.node, failure.message, elapsed, True))
        note_failure(cluster, failure, sent=True)
        tries += 1
        pause = jittered(settings.sleep_between_retries)
        remaining = None if end is None else (end - time.monotonic()) * 1000
        if (
            not may_pass(failure)
            or tries > settings.max_retries
            or (remaining is not None and remaining <= pause)
        ):
            try:
                raise failure
            finally:
                del failure  # its traceback has this frame
        time.sleep(pause / 1000)
