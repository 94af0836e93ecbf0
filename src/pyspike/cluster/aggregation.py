"""Aggregating records: the nodes' part of a stream function, and then the client's part, in Lua.

Each node runs the function over its own records, and gives what it made of them in groups. If a node fails,
what the others gave is of no use: so all of them are asked again, where that makes sense.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from pyspike._types import Milliseconds
from pyspike._wire import (
    Settings,
    Statement,
    aggregate_on,
    aggregate_request,
    new_query_number,
    packed_call,
    timeout_ms,
)
from pyspike.cluster import udf_modules
from pyspike.cluster.all_nodes import masters
from pyspike.cluster.call import ClusterCall
from pyspike.cluster.retry import jittered, may_pass, name_index, note_failure
from pyspike.errors import (
    AerospikeError,
    ClientClosed,
    InvalidArgument,
    InvalidType,
    TimeoutError,
    UdfError,
    UnsupportedFeature,
)
from pyspike.showing import shown

__all__ = ["aggregate"]

log = logging.getLogger("pyspike.udf")

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)


def aggregate(
    call: ClusterCall,
    statement: Statement,
    module: str,
    function: str,
    args: Sequence[Any],
    settings: Settings,
    timeout: Milliseconds | None,
) -> list[Any]:
    """What a stream function gives of all records that a statement finds.

    Args:
        call: of which call, with the time that a node has to tell what is in a module.
        statement: which records.
        module: the name of the function's module, with or without ".lua".
        function: its name.
        args: its arguments, behind the stream.
        settings: those of a `QueryPolicy`.
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
    udf = packed_call(module, function, args)
    total = settings.total_timeout if timeout is None else timeout_ms(timeout)
    call.begin_in(statement.namespace, statement.set_name)
    return _aggregated(call, statement, udf, args, settings, total)


def _aggregated(
    call: ClusterCall,
    statement: Statement,
    udf: tuple[str, str, bytes],
    args: Sequence[Any],
    settings: Settings,
    total: float,
) -> list[Any]:
    from pyspike.lua.aggregation import reduce_results
    from pyspike.lua.interpreter import LuaError, LuaMissingError

    def required(name: str) -> bytes | None:
        try:
            return _source(call, name)
        except UdfError:
            return None

    def told(level: int, words: str) -> None:
        log.log(_LEVELS[min(max(level, 0), len(_LEVELS) - 1)], "%s", words)

    source = _source(call, udf[0])
    try:
        # What is wrong with the module is told before the nodes are asked.
        reduce_results(udf[0], source, udf[1], args, (), required=required, log=told)
        values = _ask_all(call, statement, udf, settings, total)
        return list(reduce_results(udf[0], source, udf[1], args, values, required=required, log=told))
    except LuaMissingError:
        raise UnsupportedFeature(
            "the last part of an aggregation is done here, and there is no Lua",
            advice="pip install 'pyspike-aerospike[lua]'",
        ) from None
    except LuaError as error:
        raise UdfError(str(error)) from None


def _source(call: ClusterCall, name: str) -> bytes:
    reading = call.other("get_udf", watched=False)
    return udf_modules.read(reading, name).encode("utf-8", "surrogateescape")


def _ask_all(
    call: ClusterCall, statement: Statement, udf: tuple[str, str, bytes], settings: Settings, total: float
) -> list[Any]:
    """What all nodes give; all of them are asked again if one fails in a way that may pass."""
    cluster = call.cluster
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
        nodes = None
        try:
            nodes = masters(
                cluster, statement.namespace, "their records would be missing", also_given_up=True
            )
            return aggregate_on(
                [
                    (
                        node,
                        aggregate_request(statement, settings, signed, udf, timeout=left, trace=call.trace),
                    )
                    for node in nodes.values()
                ]
            )
        except AerospikeError as error:
            failure = error
        if nodes is None:
            call.note_failed(None, failure, began, sent=False)
        name_index(failure, statement)
        failure.timeout = total or None
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
