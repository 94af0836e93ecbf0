"""What users hold of a cluster's security: its users, their roles, and the privileges that these consist of.

Creating and changing them is done in `pyspike.cluster.users`; how a client logs in is a matter of its
`ClientPolicy`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspike import _wire
from pyspike._wire import MAX_NAMESPACE, MAX_SET, PRIVILEGE_READ, plain_text
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

__all__ = ["Privilege", "QuotaUse", "Role", "User"]

_CODES = {
    name.lower().replace("_", "-"): getattr(_wire, f"PRIVILEGE_{name}")
    for name in (
        *("USER_ADMIN", "SYS_ADMIN", "DATA_ADMIN", "UDF_ADMIN", "SINDEX_ADMIN"),
        *("READ", "READ_WRITE", "READ_WRITE_UDF", "WRITE", "TRUNCATE"),
        *("MASKING_ADMIN", "READ_MASKED", "WRITE_MASKED"),
    )
}
_NAMES = {code: name for name, code in _CODES.items()}
_NUMBERED = re.compile(r"code-(0|[1-9][0-9]{0,2})")  # a privilege that has no name here
MAX_CODE = 255


@dataclass(frozen=True, slots=True)
class Privilege:
    """Something that a role allows, everywhere or in one namespace or set.

    Args:
        name: what it allows: "read", "write", "read-write", "read-write-udf", "truncate", "read-masked",
            "write-masked" or "masking-admin", which may be limited to a namespace or a set; "user-admin",
            "sys-admin", "data-admin", "udf-admin" or "sindex-admin", which are for the whole cluster. One
            that only a newer server knows comes as "code-18".
        namespace: where it holds; None for every namespace.
        set_name: the set of that namespace where it holds; None for all of them.

    Raises:
        InvalidType: an argument is no text.
        InvalidArgument: there is no such privilege, or it can't be limited in this way.
    """

    name: str
    namespace: str | None = None
    set_name: str | None = None

    def __post_init__(self) -> None:
        name = _text(self.name, "a privilege's name")
        namespace = _place(self.namespace, "a privilege's namespace", MAX_NAMESPACE)
        set_name = _place(self.set_name, "a privilege's set", MAX_SET)
        code = _code_of(name)
        if code is None:
            raise InvalidArgument(
                f"there is no privilege {shown(name)}", advice=f"there are {', '.join(_CODES)}"
            )
        if code < PRIVILEGE_READ and (namespace or set_name):
            raise InvalidArgument(f"the privilege {name} is for the whole cluster, and has no namespace")
        if set_name and not namespace:
            raise InvalidArgument(f"the set {shown(set_name)} of a privilege needs a namespace")
        for field, value in (("name", name), ("namespace", namespace), ("set_name", set_name)):
            object.__setattr__(self, field, value)

    @classmethod
    def of(cls, code: int, namespace: str | None = None, set_name: str | None = None) -> Privilege:
        """The privilege with the server's number, known or not."""
        return cls(_NAMES.get(code, f"code-{code}"), namespace or None, set_name or None)

    @property
    def code(self) -> int:
        """The server's number for what it allows."""
        code = _code_of(self.name)
        assert code is not None
        return code

    @property
    def has_scope(self) -> bool:
        """Whether it may be limited to a namespace or a set."""
        return self.code >= PRIVILEGE_READ

    def __str__(self) -> str:
        return ".".join([self.name, *filter(None, (self.namespace, self.set_name))])


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How much a user reads, or writes, at the moment, of what the quotas of its roles allow.

    Args:
        quota: records a second that are allowed; 0 for any number.
        single_record_tps: commands on one record in the last second.
        query_rps: records a second of queries with a limit.
        limitless: queries under way without a limit.
    """

    quota: int = 0
    single_record_tps: int = 0
    query_rps: int = 0
    limitless: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """A user, as `query_users` tells of it.

    Args:
        name: its name.
        roles: the names of its roles.
        read_info: how much it reads; None if the server counts no quotas.
        write_info: how much it writes; None likewise.
        conns_in_use: how many connections it has to the node that was asked.
    """

    name: str
    roles: tuple[str, ...] = ()
    read_info: QuotaUse | None = None
    write_info: QuotaUse | None = None
    conns_in_use: int = 0


@dataclass(frozen=True, slots=True)
class Role:
    """A role, as `query_roles` tells of it.

    Args:
        name: its name.
        privileges: what it allows.
        allowlist: the addresses and subnets from which its users may connect; empty for any.
        read_quota: records a second that each of its users may read; 0 for any number.
        write_quota: records a second that each may write; 0 for any number.
    """

    name: str
    privileges: tuple[Privilege, ...] = ()
    allowlist: tuple[str, ...] = ()
    read_quota: int = 0
    write_quota: int = 0


def _code_of(name: str) -> int | None:
    """The server's number; None if it is no name of one."""
    known: int | None = _CODES.get(name)
    match = _NUMBERED.fullmatch(name)
    if known is not None or match is None:
        return known
    number = int(match[1])
    return number if number <= MAX_CODE and number not in _NAMES else None


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidType(f"{what} must be a str, not {shown(value)}")
    return plain_text(value)


def _place(value: object, what: str, most: int) -> str | None:
    if value is None:
        return None
    text = _text(value, what)
    if not text:
        raise InvalidArgument(f"{what} is empty", advice="None stands for all of them")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{what} {shown(text)} is not valid text: {error}") from None
    if size > most:
        raise InvalidArgument(f"{what} takes {size} bytes, the server allows {most}: {shown(text)}")
    return text
