"""The calls of `AsyncClient` about users and roles: as those of `Client`, but to be awaited.

What blocks is done in a thread of its own: these calls are rare.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspike import security
from pyspike.arguments import admin_policy
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
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.create_user, self._cluster, user, password, roles, chosen)

    async def create_pki_user(
        self, user: str, roles: Iterable[str] = (), *, policy: AdminPolicy | None = None
    ) -> None:
        """Create a user who logs in by a TLS certificate only: see `Client.create_pki_user`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.create_pki_user, self._cluster, user, roles, chosen)

    async def drop_user(self, user: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a user: see `Client.drop_user`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.drop_user, self._cluster, user, chosen)

    async def change_password(self, user: str, password: str, *, policy: AdminPolicy | None = None) -> None:
        """Give a user another password: see `Client.change_password`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.change_password, self._cluster, user, password, chosen)

    async def grant_roles(
        self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Add roles to those of a user: see `Client.grant_roles`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.grant_roles, self._cluster, user, roles, chosen)

    async def revoke_roles(
        self, user: str, roles: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Take roles from a user: see `Client.revoke_roles`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.revoke_roles, self._cluster, user, roles, chosen)

    async def query_users(self, *, policy: AdminPolicy | None = None) -> list[security.User]:
        """All users with their roles, by their names: see `Client.query_users`."""
        chosen = admin_policy(self._policies, policy)
        return await in_thread(users.query_users, self._cluster, chosen)

    async def query_user(self, user: str, *, policy: AdminPolicy | None = None) -> security.User:
        """A user with its roles and what it uses of its quotas: see `Client.query_user`."""
        chosen = admin_policy(self._policies, policy)
        return await in_thread(users.query_user, self._cluster, user, chosen)

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
        chosen = admin_policy(self._policies, policy)
        limits = allowlist, read_quota, write_quota
        await in_thread(users.create_role, self._cluster, role, privileges, *limits, chosen)

    async def drop_role(self, role: str, *, policy: AdminPolicy | None = None) -> None:
        """Drop a role: see `Client.drop_role`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.drop_role, self._cluster, role, chosen)

    async def grant_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Add privileges to those of a role: see `Client.grant_privileges`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.grant_privileges, self._cluster, role, privileges, chosen)

    async def revoke_privileges(
        self, role: str, privileges: Iterable[security.Privilege | str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Take privileges from a role: see `Client.revoke_privileges`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.revoke_privileges, self._cluster, role, privileges, chosen)

    async def set_allowlist(
        self, role: str, allowlist: Iterable[str], *, policy: AdminPolicy | None = None
    ) -> None:
        """Say from where users of a role may connect: see `Client.set_allowlist`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.set_allowlist, self._cluster, role, allowlist, chosen)

    async def set_quotas(
        self, role: str, read_quota: int, write_quota: int, *, policy: AdminPolicy | None = None
    ) -> None:
        """Say how many records a second each user of a role may read and write: see `Client.set_quotas`."""
        chosen = admin_policy(self._policies, policy)
        await in_thread(users.set_quotas, self._cluster, role, read_quota, write_quota, chosen)

    async def query_roles(self, *, policy: AdminPolicy | None = None) -> list[security.Role]:
        """All roles, by their names: see `Client.query_roles`."""
        chosen = admin_policy(self._policies, policy)
        return await in_thread(users.query_roles, self._cluster, chosen)

    async def query_role(self, role: str, *, policy: AdminPolicy | None = None) -> security.Role:
        """A role: see `Client.query_role`."""
        chosen = admin_policy(self._policies, policy)
        return await in_thread(users.query_role, self._cluster, role, chosen)
