"""What users hold: the security of an embedded cluster while it runs, and what can go wrong with logins.

Owns: arguments, defaults, documentation. Not here: users and roles (security/); every method is one request
to the running cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from .arguments import check_integer, check_seconds, check_text
from .control.remote import Remote
from .embedded_node import CODE_MAX, EmbeddedNode
from .security.settings import TTL_RANGE

__all__ = ["EmbeddedSecurity"]


class EmbeddedSecurity:
    """The security of a cluster that was made with `EmbeddedCluster(security=True)`.

    Users and roles are administrated by clients, as on any cluster. This is for what a test wants to happen:
    sessions that expire, logins that are refused or late. `EmbeddedCluster.reset` undoes all of it, and all
    changes of users and roles.

    Raises:
        RuntimeError: by every method, the cluster is not running, or has no security.
        TypeError: by every method, an argument of another type than it says.

    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EmbeddedSecurity can't be pickled or copied: its cluster runs once")

    def add_user(self, name: str, password: str, roles: Sequence[str] = ()) -> None:
        """Make a user, as an administrator does.

        Args:
            name: the user's name.
            password: its password; "" for a user that has a certificate only. Others need `bcrypt`, which
                comes with the extra `auth`.
            roles: the names of its roles, predefined ones ("read", "read-write", ...) or those that a client
                has made.

        Raises:
            ValueError: a name or a role that there can't be, or there is a user of that name.
            ModuleNotFoundError: `bcrypt` is not installed.

        """
        if isinstance(roles, str):
            raise TypeError("roles is a sequence of names, not one name")
        self._remote.ask(
            "add_user",
            name=check_text("name", name),
            password=check_text("password", password),
            roles=[check_text("each role", role) for role in roles],
        )

    def expire_sessions(self, node: EmbeddedNode | None = None) -> None:
        """Let all sessions expire now: connections that authenticate get result 66 (EXPIRED_SESSION).

        Connections that have authenticated stay so, as on a server. To let time pass instead, use
        `cluster.clock.advance`.

        Args:
            node: only those of this node, as every node has its own; None: of all.

        """
        if not isinstance(node, EmbeddedNode | None):
            raise TypeError(f"node is an EmbeddedNode or None, not {type(node).__name__}")
        self._remote.ask("expire_sessions", name=None if node is None else node.name)

    def set_session_ttl(self, seconds: int) -> None:
        """Let the sessions of logins from now on hold for so many seconds of the cluster's clock.

        Args:
            seconds: within 1..864000. Clients renew a session a minute before its end; a real server takes no
                less than 120.

        Raises:
            ValueError: outside that range.

        """
        self._remote.ask("set_session_ttl", seconds=check_integer("seconds", seconds, *TTL_RANGE))

    def refuse_logins(self, code: int, times: int = 1) -> None:
        """Answer the next logins with a result code, whatever they hold.

        Args:
            code: a `pyspike.ResultCode`, or a number within 1..255.
            times: how many logins; 0 ends it.

        Raises:
            ValueError: a code outside that range, or a negative number.

        """
        self._refuse("login", code, times)

    def refuse_authentications(self, code: int, times: int = 1) -> None:
        """Answer the next authentications, which new connections begin with, with a result code.

        Arguments and errors are those of `refuse_logins`.

        """
        self._refuse("authenticate", code, times)

    def _refuse(self, what: str, code: int, times: int) -> None:
        changes = {
            f"{what}_code": check_integer("code", code, 1, CODE_MAX),
            f"{what}_times": check_integer("times", times, 0),
        }
        self._remote.ask("change_login_faults", None, **changes)

    def delay_logins(self, seconds: float) -> None:
        """Send the answers to logins later by `seconds` (0 ends it), as with a slow LDAP server.

        Raises:
            ValueError: a negative time.

        """
        self._remote.ask("change_login_faults", login_delay=check_seconds("seconds", seconds))
