"""The calls of `AsyncClient` about users and roles: as those of `Client`, but to be awaited.

What blocks is done in a thread of its own: these calls are rare.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspike import security
from pyspike.client_part import ClientPart
from pyspike.cluster import users
from pyspike.policy import AdminPolicy
from pyspike.process.in_thread import in_thread

__all__ = ["AsyncUserAdministration"]


class AsyncUserAdministration(ClientPart):
    """What `AsyncClient` has to administrate users and roles: see `UserAdministration`."""

    __slots__ = ()

    # --- users ---

    async def create_user(
        self, user: str, password: str, roles: Iterable[str] = (), *, policy: AdminPolicy | None = None
    ) -> None:
        """Create a user who logs in by a password: see `Client.create_user`."""
        with self._admin_call("create_user", policy) as call:
            await in_thread(users.create_user, call, user, password, roles)

    async def create_pki_user(
        self, user: str, roles: Iterable[str] = (), *, policy: AdminPolicy | None = None
    ) -> None:
        """Create a user who logs in by a TLS certificate only: see `Client.create_pki_user`."""
        with self._admin_call("create_pki_user", policy) as call:
            await in_thread(users.create_pki_user, call, user, roles)

    async def drop_user(self, user: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a user: see `Client.drop_user`."""
        with self._admin_call("drop_user", policy) as call:
            await in_thread(users.drop_user, call, user)

    async def change_password(self, user: str, password: str, *, policy: AdminPolicy | None = None) -> None:
        """Give a user another password: see `Client.change_password`."""
        with self._admin_call("change_password", policy) as call:
            await in_thread(users.change_password, call, user, password)

    async def grant_roles(
        self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Add roles to those of a user: see `Client.grant_roles`."""
        with self._admin_call("grant_roles", policy) as call:
            await in_thread(users.grant_roles, call, user, roles)

    async def revoke_roles(
        self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Take roles from a user: see `Client.revoke_roles`."""
        with self._admin_call("revoke_roles", policy) as call:
            await in_thread(users.revoke_roles, call, user, roles)

    async def query_users(self, *, policy: AdminPolicy | None = None) -> list[security.User]:
        """All users with their roles, by their names: see `Client.query_users`."""
        with self._admin_call("query_users", policy) as call:
            return await in_thread(users.query_users, call)

    async def query_user(self, user: str, *, policy: AdminPolicy | None = None) -> security.User:
        """A user with its roles and what it uses of its quotas: see `Client.query_user`."""
        with self._admin_call("query_user", policy) as call:
            return await in_thread(users.query_user, call, user)

    # --- roles ---

    async def create_role(
        self,
        role: str,
        privileges: Iterable[security.Privilege | str] = (),
        *,
        allowlist: Iterable[str] = (),
        read_quota: int = 0,
        write_quota: int = 0,
        policy: AdminPolicy | None = None,
    ) -> None:
        """Create a role, by which users may do something: see `Client.create_role`."""
        with self._admin_call("create_role", policy) as call:
            limits = allowlist, read_quota, write_quota
            await in_thread(users.create_role, call, role, privileges, *limits)

    async def drop_role(self, role: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a role: see `Client.drop_role`."""
        with self._admin_call("drop_role", policy) as call:
            await in_thread(users.drop_role, call, role)

    async def grant_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Add privileges to those of a role: see `Client.grant_privileges`."""
        with self._admin_call("grant_privileges", policy) as call:
            await in_thread(users.grant_privileges, call, role, privileges)

    async def revoke_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Take privileges from a role: see `Client.revoke_privileges`."""
        with self._admin_call("revoke_privileges", policy) as call:
            await in_thread(users.revoke_privileges, call, role, privileges)

    async def set_allowlist(
        self, role: str, allowlist: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Say from where users of a role may connect: see `Client.set_allowlist`."""
        with self._admin_call("set_allowlist", policy) as call:
            await in_thread(users.set_allowlist, call, role, allowlist)

    async def set_quotas(
        self, role: str, read_quota: int, write_quota: int, *, policy: AdminPolicy | None = None
    ) -> None:
        """Say how many records a second each user of a role may read and write: see `Client.set_quotas`."""
        with self._admin_call("set_quotas", policy) as call:
            await in_thread(users.set_quotas, call, role, read_quota, write_quota)

    async def query_roles(self, *, policy: AdminPolicy | None = None) -> list[security.Role]:
        """All roles, by their names: see `Client.query_roles`."""
        with self._admin_call("query_roles", policy) as call:
            return await in_thread(users.query_roles, call)

    async def query_role(self, role: str, *, policy: AdminPolicy | None = None) -> security.Role:
        """A role: see `Client.query_role`."""
        with self._admin_call("query_role", policy) as call:
            return await in_thread(users.query_role, call, role)
