"""What privileges permit, where, and the roles that every cluster has.

Owns: the table of permissions by privilege. Not here: which request needs which permission (checks.py).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from ..protocol.constants import NAMESPACE_MAX, SET_NAME_MAX
from ..protocol.result import RequestError, ResultCode
from ..protocol.security_codes import PrivilegeCode

__all__ = ["PREDEFINED", "Permission", "Privilege", "privilege_of"]


class Permission(Enum):
    """What a request needs.

    `READ`, `WRITE`, `UDF`: to read records, to write them, to call functions on them. `TRUNCATE`: to drop all
    records of a set. `INDEXES`, `MODULES`: to make and drop indexes, and UDF modules. `DATA`: what else is
    done to data, such as aborting queries. `CONFIG`: to change settings. `SERVICE`: to look after nodes.
    `USERS`: users and roles. `MASKING`: rules about what is hidden.
    """

    READ = auto()
    WRITE = auto()
    UDF = auto()
    TRUNCATE = auto()
    INDEXES = auto()
    MODULES = auto()
    DATA = auto()
    CONFIG = auto()
    SERVICE = auto()
    USERS = auto()
    MASKING = auto()


_READ_WRITE = frozenset((Permission.READ, Permission.WRITE))
_PERMITS: dict[PrivilegeCode, frozenset[Permission]] = {
    PrivilegeCode.USER_ADMIN: frozenset((Permission.USERS,)),
    PrivilegeCode.SYS_ADMIN: frozenset((Permission.CONFIG, Permission.SERVICE)),
    PrivilegeCode.DATA_ADMIN: frozenset(
        (Permission.DATA, Permission.INDEXES, Permission.MODULES, Permission.TRUNCATE)
    ),
    PrivilegeCode.UDF_ADMIN: frozenset((Permission.MODULES,)),
    PrivilegeCode.SINDEX_ADMIN: frozenset((Permission.INDEXES,)),
    PrivilegeCode.READ: frozenset((Permission.READ,)),
    PrivilegeCode.READ_WRITE: _READ_WRITE,
    PrivilegeCode.READ_WRITE_UDF: _READ_WRITE | {Permission.UDF},
    PrivilegeCode.WRITE: frozenset((Permission.WRITE,)),
    PrivilegeCode.TRUNCATE: frozenset((Permission.TRUNCATE,)),
    PrivilegeCode.MASKING_ADMIN: frozenset((Permission.MASKING,)),
    # There are no masked bins here, so these two permit nothing.
    PrivilegeCode.READ_MASKED: frozenset(),
    PrivilegeCode.WRITE_MASKED: frozenset(),
}


class Privilege(NamedTuple):
    """A privilege, and where it holds: in a set of a namespace, in a namespace, or everywhere ("")."""

    code: PrivilegeCode
    namespace: str = ""
    set_name: str = ""

    def permits(self, permission: Permission, namespace: str, set_name: str) -> bool:
        """Whether something is permitted in a set of a namespace; a `set_name` of "" is no set."""
        return (
            permission in _PERMITS[self.code]
            and self.namespace in ("", namespace)
            and self.set_name in ("", set_name)
        )


def privilege_of(code: int, namespace: bytes, set_name: bytes) -> Privilege:
    """The privilege that a request names.

    Raises:
        RequestError: PRIVILEGE: there is no such privilege, or no such scope.

    """
    try:
        found = Privilege(PrivilegeCode(code), namespace.decode(), set_name.decode())
    except ValueError:
        raise RequestError(ResultCode.SEC_PRIVILEGE, f"privilege {code}") from None
    if len(namespace) > NAMESPACE_MAX or len(set_name) > SET_NAME_MAX:
        raise RequestError(ResultCode.SEC_PRIVILEGE, "the name of a namespace or a set that is too long")
    if set_name and not namespace:
        raise RequestError(ResultCode.SEC_PRIVILEGE, "a set without its namespace")
    return found


PREDEFINED = {code.name.lower().replace("_", "-"): Privilege(code) for code in PrivilegeCode}
"""The roles that every cluster has, each with one privilege that holds everywhere."""
