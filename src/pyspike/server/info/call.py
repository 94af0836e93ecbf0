"""What an info command is given: the node and the connection, its parameters, and the errors about these.

Owns: parameters by name, and the refusals that all commands share. Not here: what commands do.
"""

from __future__ import annotations

from typing import NamedTuple

from ..protocol.constants import BIN_NAME_MAX, INDEX_NAME_MAX, NAMESPACE_MAX, SET_NAME_MAX
from ..protocol.result import ResultCode
from ..storage.store import Namespace
from ..topology.state import ClusterState, NodeState, Session

__all__ = ["NAMESPACE_NOT_FOUND", "Call", "InfoError"]

NAMESPACE_NOT_FOUND = f"ERROR:{ResultCode.NAMESPACE:d}:namespace not found on node"

_LONGEST = {
    "bin": BIN_NAME_MAX,
    "indexname": INDEX_NAME_MAX,
    "namespace": NAMESPACE_MAX,
    "set": SET_NAME_MAX,
}


class InfoError(Exception):
    """A command is answered with an error.

    Its words follow "ERROR:" and the code in the answer.
    """

    def __init__(self, words: str, code: ResultCode = ResultCode.PARAMETER) -> None:
        super().__init__(f"ERROR:{code:d}:{words}")


class Call(NamedTuple):
    """One info command: what was sent, to which node of which cluster, and on which connection."""

    cluster: ClusterState
    node: NodeState
    session: Session
    params: str

    @property
    def pairs(self) -> dict[str, str]:
        """The parameters by name, in their order, without those that have no "="."""
        pairs: dict[str, str] = {}
        for part in self.params.split(";"):
            name, equals, value = part.partition("=")
            if equals:
                pairs.setdefault(name, value)
        return pairs

    def param(self, name: str, *older: str) -> str | None:
        """The value of a parameter, or of the first of its older names that was sent; None if none was.

        Raises:
            InfoError: it was sent without a value, or is a name that is too long.

        """
        pairs = self.pairs
        value = next((pairs[each] for each in (name, *older) if each in pairs), None)
        code = ResultCode.NAMESPACE if name == "namespace" else ResultCode.PARAMETER
        if value == "":
            raise InfoError(f"missing '{name}' value", code)
        if value is not None and len(value) > _LONGEST.get(name, len(value)):
            raise InfoError(f"'{name}' value too long", code)
        return value

    def need(self, name: str, *older: str) -> str:
        """The value of a parameter that must be sent.

        Raises:
            InfoError: it was not sent, or as by `param`.

        """
        value = self.param(name, *older)
        if value is None:
            code = ResultCode.NAMESPACE if name == "namespace" else ResultCode.PARAMETER
            raise InfoError(f"missing '{name}'", code)
        return value

    def find_namespace(self, name: str) -> Namespace | None:
        """The namespace of a name; None if there is none."""
        return self.cluster.store.namespaces.get(name.encode("latin-1"))

    def namespace(self, *older: str) -> Namespace:
        """The namespace that must be named and exist. `older`: older names of the parameter.

        Raises:
            InfoError: NAMESPACE.

        """
        found = self.find_namespace(self.need("namespace", *older))
        if found is None:
            raise InfoError("namespace not found on node", ResultCode.NAMESPACE)
        return found
