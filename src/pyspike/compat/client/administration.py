"""What concerns the cluster itself: its nodes, its modules of functions, its jobs, what is truncated."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pyspike import AdminPolicy, errors
from pyspike.compat.aerospike_helpers.expressions.resources import Compiled
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.facts.constants import CONSTANTS, number
from pyspike.compat.model.exceptions import param_error, raised
from pyspike.compat.translate.contexts import contexts_of
from pyspike.operations import context

__all__ = ["Administration"]

JOBS = (CONSTANTS["JOB_SCAN"], CONSTANTS["JOB_QUERY"])
IN_PROGRESS, COMPLETED = number("JOB_STATUS_INPROGRESS"), number("JOB_STATUS_COMPLETED")
NANOSECONDS = 1_000_000_000
MAX_UINT64 = 2**64 - 1
MAX_PATH = 255
WAIT = 10_000  # milliseconds until all nodes must have a module


class Administration(Connection):
    """The calls for nodes, modules, jobs and truncation."""

    # --- nodes ---

    @method
    def get_nodes(self) -> list[tuple[str, int]]:
        """The address and port of each node."""
        return [(node.host.name, node.host.port) for node in self._client.nodes()]

    @method
    def get_node_names(self) -> list[dict[str, Any]]:
        """The address, port and name of each node."""
        return [
            {"address": node.host.name, "port": node.host.port, "node_name": node.name}
            for node in self._client.nodes()
        ]

    @method
    def info_all(self, command: Any, policy: Any = None) -> dict[str, tuple[Any, str | None]]:
        """Send an info command to all nodes.

        Args:
            command: the command.
            policy: an info policy.

        Returns:
            The name of each node, with the error, or None, and the answer.
        """
        _check_command(command)
        made = self._kinds["info"](policy)
        return {
            node.name: (None, self._answer(command, node.name, made) + "\n") for node in self._client.nodes()
        }

    @method
    def info_single_node(self, command: Any, host: Any, policy: Any = None) -> str:
        """Send an info command to one node.

        Args:
            command: the command.
            host: the node's name.
            policy: an info policy.

        Returns:
            The command and the answer.
        """
        names = self._client.node_names()
        if not isinstance(host, str):
            raise param_error("Host must be a string.")
        _check_command(command)
        made = self._kinds["info"](policy)
        if host not in names:
            raise param_error(f"Could not get node with name {host}.")
        return f"{command}\t{self._answer(command, host, made)}\n"

    @method
    def info_random_node(self, command: Any, policy: Any = None) -> str:
        """Send an info command to any node.

        Args:
            command: the command.
            policy: an info policy.

        Returns:
            The command and the answer.
        """
        _check_command(command)
        made = self._kinds["info"](policy)
        names = self._client.node_names()
        if not names:
            raise raised("ClusterError", "there is no node")
        return f"{command}\t{self._answer(command, names[0], made)}\n"

    def _answer(self, command: str, node: str, policy: Any) -> str:
        try:
            return self._client.info(command, node, policy=policy)
        except errors.InvalidArgument as error:
            raise param_error(error.message) from error

    @method
    def shm_key(self) -> int | None:
        """The key of the configuration's `shm`, which has no effect; None without it."""
        return self._configuration.shm_key

    # --- modules of functions ---

    @method
    def udf_put(self, filename: Any, udf_type: Any = 0, policy: Any = None) -> int:
        """Register a module, and wait until all nodes have it.

        Args:
            filename: the path of its file.
            udf_type: its language; `UDF_TYPE_LUA` is the only one.
            policy: an info policy.

        Returns:
            0.

        Raises:
            LuaFileNotFound: there is no such file.
        """
        if not isinstance(udf_type, int):
            raise TypeError("an integer is required for udf_type")
        if not isinstance(filename, str):
            raise param_error("Filename should be a string")
        if udf_type != 0:
            raise raised("ClientError", "Invalid UDF language")
        path = Path(filename)
        if not path.name or len(filename) > MAX_PATH:
            raise param_error("the file's name is empty or too long")
        if not path.is_file() or not path.stat().st_size:
            raise raised("LuaFileNotFound", "cannot open script file")
        made = _admin(self._kinds["info"](policy))
        self._client.register_udf(path, path.name, policy=made).wait(WAIT)
        return 0

    @method
    def udf_remove(self, filename: Any, policy: Any = None) -> int:
        """Remove a module, if there is one of this name.

        Args:
            filename: its name.
            policy: an info policy.

        Returns:
            0.
        """
        if not isinstance(filename, str):
            raise param_error("Filename should be a string")
        made = _admin(self._kinds["info"](policy))
        self._client.remove_udf(filename, policy=made).wait(WAIT)
        return 0

    @method
    def udf_list(self, policy: Any = None) -> list[dict[str, Any]]:
        """The modules that are registered: their names, hashes and types.

        Args:
            policy: an info policy.
        """
        made = _admin(self._kinds["info"](policy))
        return [
            {"name": module.name, "hash": bytearray(module.hash.encode()), "type": 0, "content": bytearray()}
            for module in self._client.list_udfs(policy=made)
        ]

    @method
    def udf_get(self, module: Any, language: Any = 0, policy: Any = None) -> str:
        """The source of a module.

        Args:
            module: its name.
            language: `UDF_TYPE_LUA`.
            policy: an info policy.

        Raises:
            UDFError: there is no such module.
        """
        if not isinstance(module, str):
            raise raised("ClientError", "Module should be a string")
        if not isinstance(language, int):
            raise TypeError("language must be an integer")
        if language != 0:
            raise raised("ClientError", "Invalid language")
        made = _admin(self._kinds["info"](policy))
        return self._client.get_udf(module, policy=made)

    # --- jobs, truncation, XDR ---

    @method
    def job_info(self, job_id: Any, module: Any, policy: Any = None) -> dict[str, int]:
        """How far a background job is.

        Args:
            job_id: its number.
            module: `JOB_SCAN` or `JOB_QUERY`.
            policy: an info policy.

        Returns:
            `status`, `records_read` and `progress_pct`.
        """
        if not isinstance(job_id, int):
            raise TypeError("job_info() argument 1 must be an int")
        if not isinstance(module, str):
            raise TypeError("job_info() argument 2 must be a str")
        if module not in JOBS:
            raise param_error("Module can have only two values: aerospike.JOB_SCAN or aerospike.JOB_QUERY")
        made = _admin(self._kinds["info"](policy))
        jobs = [job for job in self._client.jobs(policy=made) if job.id == job_id]
        if not jobs:
            return {"status": COMPLETED, "records_read": 0, "progress_pct": 0}
        return {
            "status": IN_PROGRESS if any(job.is_active for job in jobs) else COMPLETED,
            "records_read": sum(job.succeeded for job in jobs),
            "progress_pct": round(100 * min(job.progress for job in jobs)),
        }

    @method
    def truncate(self, namespace: Any, set: Any, nanos: Any, policy: Any = None) -> int:
        """Remove all records of a set, or of a whole namespace.

        Args:
            namespace: the namespace.
            set: the set's name; None for all records.
            nanos: only records that were last written before this time, in nanoseconds since 1970; 0 for
                all.
            policy: an info policy.

        Returns:
            0.
        """
        if not isinstance(namespace, str):
            raise param_error("Namespace must be a string")
        if not isinstance(set, str | None):
            raise param_error("Set must be None, or a string")
        if not isinstance(nanos, int):
            raise param_error("Nanoseconds must be a long type")
        if not 0 <= nanos <= MAX_UINT64:
            raise param_error("Nanoseconds must be a positive value, of 64 bits at most")
        if not namespace or set == "":
            kind = "InvalidRequest" if namespace else "NamespaceNotFound"
            raise raised(kind, "an empty name is none of a namespace or a set")
        made = _admin(self._kinds["info"](policy))
        try:
            before = datetime.fromtimestamp(nanos / NANOSECONDS, timezone.utc) if nanos else None
        except (ValueError, OverflowError):
            raise raised("InvalidRequest", "would truncate in the future") from None
        try:
            self._client.truncate(namespace, set, before=before, policy=made)
        except errors.InvalidNamespace:
            pass  # there is nothing in it, as a server says too
        except errors.InvalidArgument as error:
            raise raised("InvalidRequest", error.message) from error
        return 0

    @method
    def set_xdr_filter(
        self, data_center: Any, namespace: Any, expression_filter: Any, policy: Any = None
    ) -> str:
        """Say which records are shipped to another data center.

        Args:
            data_center: its name.
            namespace: the namespace.
            expression_filter: a compiled expression; None removes the filter.
            policy: an info policy.
        """
        made = _admin(self._kinds["info"](policy))
        self._client.set_xdr_filter(data_center, namespace, expression_filter, policy=made)
        return "ok"

    # --- as text ---

    @method
    def get_expression_base64(self, expression: Any) -> str:
        """A compiled expression as base 64 text.

        Args:
            expression: the expression.
        """
        if not isinstance(expression, Compiled):
            raise param_error("expression must be a compiled expression")
        return base64.b64encode(expression.to_bytes()).decode()

    @method
    def get_cdtctx_base64(self, ctx: Any) -> str:
        """Contexts as base 64 text.

        Args:
            ctx: the contexts, in a list.
        """
        if not isinstance(ctx, list):
            raise param_error("cdt_ctx is not a list, or not given")
        if not ctx:
            raise param_error("cdt ctx list entries are empty")
        return context.to_base64(contexts_of(ctx))


def _admin(policy: Any) -> AdminPolicy:
    return AdminPolicy(timeout=policy.timeout)


def _check_command(command: Any) -> None:
    if not isinstance(command, str):
        raise param_error("Request must be a string")
