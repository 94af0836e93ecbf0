"""The calls of `Client` about users and roles, which only servers of the Enterprise Edition have.

What they do is in `pyspike.cluster.users`; those of `AsyncClient` are in
`pyspike.async_user_administration`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspike.client_part import ClientPart
from pyspike.policy import AdminPolicy
from pyspike.process.lazy_imports import LazyModule, importing

if TYPE_CHECKING:
    from pyspike import security
else:
    security = LazyModule("pyspike.security")

__all__ = ["UserAdministration"]


class UserAdministration(ClientPart):
    """What `Client` has to administrate users and roles.

    One node is told, and tells the others, which may take a moment. The client's user needs the privilege
    "user-admin", but for its own password. All calls raise `SecurityNotSupported` of a Community Edition, and
    `SecurityNotEnabled` where security is turned off.
    """

    __slots__ = ()

    # --- users ---

    def create_user(
        self, user: str, password: str, roles: Iterable[str] = (), *, policy: AdminPolicy | None = None
    ) -> None:
        """Create a user who logs in by a password.

            client.create_user("ann", "secret", ["read-write"])

        Args:
            user: the user's name; up to 63 bytes.
            password: the password, of which only a hash is sent; up to 63 bytes.
            roles: the names of the user's roles: the server's own, such as "read", "read-write" or
                "user-admin", or those of `create_role`.
            policy: the deadline.

        Raises:
            InvalidType, InvalidArgument: an argument can't be used.
            UserAlreadyExists: there is a user of this name.
            InvalidRole: there is no such role.
            RoleViolation: the client's user may not do this.
            SecurityError: the server refuses it; the message says why.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("create_user", policy) as call:
            users.create_user(call, user, password, roles)

    def create_pki_user(
        self, user: str, roles: Iterable[str] = (), *, policy: AdminPolicy | None = None
    ) -> None:
        """Create a user who logs in by a TLS certificate only, whose common name is the user's.

        Args:
            user: the user's name.
            roles: the names of the user's roles.
            policy: the deadline.

        Raises:
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("create_pki_user", policy) as call:
            users.create_pki_user(call, user, roles)

    def drop_user(self, user: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a user.

        Args:
            user: the user's name.
            policy: the deadline.

        Raises:
            InvalidUser: there is no such user.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("drop_user", policy) as call:
            users.drop_user(call, user)

    def change_password(self, user: str, password: str, *, policy: AdminPolicy | None = None) -> None:
        """Give a user another password.

        For the client's own user the old password is shown too, and this client, with all its views, logs in
        with the new one from then on.

        Args:
            user: the user's name.
            password: the new password; up to 63 bytes.
            policy: the deadline.

        Raises:
            InvalidUser: there is no such user.
            InvalidPassword, ForbiddenPassword: the server does not take the password.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("change_password", policy) as call:
            users.change_password(call, user, password)

    def grant_roles(self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None) -> None:
        """Add roles to those of a user.

        Args:
            user: the user's name.
            roles: the names of the roles, one at least.
            policy: the deadline.

        Raises:
            InvalidUser, InvalidRole: there is no such user, or no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("grant_roles", policy) as call:
            users.grant_roles(call, user, roles)

    def revoke_roles(self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None) -> None:
        """Take roles from a user.

        Args:
            user: the user's name.
            roles: the names of the roles, one at least.
            policy: the deadline.

        Raises:
            InvalidUser, InvalidRole: there is no such user, or no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("revoke_roles", policy) as call:
            users.revoke_roles(call, user, roles)

    def query_users(self, *, policy: AdminPolicy | None = None) -> list[security.User]:
        """All users with their roles, by their names; one node is asked.

        Args:
            policy: the deadline.

        Raises:
            SecurityError: the server refuses it.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("query_users", policy) as call:
            return users.query_users(call)

    def query_user(self, user: str, *, policy: AdminPolicy | None = None) -> security.User:
        """A user with its roles and what it uses of its quotas; one node is asked.

        Args:
            user: the user's name. The client's own user may be asked for without a privilege.
            policy: the deadline.

        Raises:
            InvalidUser: there is no such user.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("query_user", policy) as call:
            return users.query_user(call, user)

    # --- roles ---

    def create_role(
        self,
        role: str,
        privileges: Iterable[security.Privilege | str] = (),
        *,
        allowlist: Iterable[str] = (),
        read_quota: int = 0,
        write_quota: int = 0,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Create a role, by which users may do something.

            client.create_role("reports", [Privilege("read", "test", "orders")])

        Args:
            role: the role's name; up to 63 bytes.
            privileges: what it allows: `Privilege`s, or the names of those that hold everywhere.
            allowlist: the addresses and subnets, such as "10.0.0.0/8", from which its users may connect; any
                if left out.
            read_quota: records a second that each of its users may read; 0 for any number.
            write_quota: records a second that each may write; 0 for any number.
            policy: the deadline.

        Raises:
            RoleAlreadyExists: there is a role of this name.
            InvalidAllowlist: the server can't read an address.
            QuotasNotEnabled: quotas are turned off on the server.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("create_role", policy) as call:
            limits = allowlist, read_quota, write_quota
            users.create_role(call, role, privileges, *limits)

    def drop_role(self, role: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a role; its users lose it.

        Args:
            role: the role's name.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("drop_role", policy) as call:
            users.drop_role(call, role)

    def grant_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Add privileges to those of a role.

        Args:
            role: the role's name.
            privileges: what it is to allow too, one at least.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("grant_privileges", policy) as call:
            users.grant_privileges(call, role, privileges)

    def revoke_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Take privileges from a role.

        Args:
            role: the role's name.
            privileges: what it is to allow no more, one at least, each with the scope with which it was
                granted.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("revoke_privileges", policy) as call:
            users.revoke_privileges(call, role, privileges)

    def set_allowlist(
        self, role: str, allowlist: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Say from where users of a role may connect, in the place of what was said before.

        Args:
            role: the role's name.
            allowlist: the addresses and subnets, such as "10.0.0.0/8"; empty for any.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            InvalidAllowlist: the server can't read an address.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("set_allowlist", policy) as call:
            users.set_allowlist(call, role, allowlist)

    def set_quotas(
        self, role: str, read_quota: int, write_quota: int, *, policy: AdminPolicy | None = None
    ) -> None:
        """Say how many records a second each user of a role may read and write.

        Args:
            role: the role's name.
            read_quota: records a second; 0 for any number.
            write_quota: records a second; 0 for any number.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            QuotasNotEnabled: quotas are turned off on the server.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("set_quotas", policy) as call:
            users.set_quotas(call, role, read_quota, write_quota)

    def query_roles(self, *, policy: AdminPolicy | None = None) -> list[security.Role]:
        """All roles, by their names; one node is asked.

        Args:
            policy: the deadline.

        Raises:
            SecurityError: the server refuses it.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("query_roles", policy) as call:
            return users.query_roles(call)

    def query_role(self, role: str, *, policy: AdminPolicy | None = None) -> security.Role:
        """A role; one node is asked.

        Args:
            role: the role's name.
            policy: the deadline.

        Raises:
            InvalidRole: there is no such role.
            InvalidType, InvalidArgument, SecurityError: as from `create_user`.
            TimeoutError, ConnectionError: no node answered.
        """
        with importing:
            from pyspike.cluster import users

        with self._admin_call("query_role", policy) as call:
            return users.query_role(call, role)
