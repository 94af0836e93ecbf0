"""Users, roles and privileges."""

from __future__ import annotations

from typing import Any

from pyspike import AdminPolicy, Privilege, Role, User
from pyspike.compat.client.connection import Connection
from pyspike.compat.client.methods import method
from pyspike.compat.model.exceptions import param_error

__all__ = ["Users"]


class Users(Connection):
    """The calls for users and roles, which return 0 if they return nothing else."""

    # --- users ---

    @method
    def admin_create_user(self, user: Any, password: Any, roles: Any, policy: Any = None) -> int:
        """Create a user.

        Args:
            user: its name.
            password: its password.
            roles: the names of its roles, in a list.
            policy: an admin policy.
        """
        _check(user, str, "Username should be a string")
        _check(password, str, "Password should be a string")
        _check(roles, list, "Roles should be a list")
        self._client.create_user(user, password, roles, policy=self._admin(policy))
        return 0

    @method
    def admin_create_pki_user(self, user: Any, roles: Any, policy: Any = None) -> int:
        """Create a user that logs in by a certificate.

        Args:
            user: its name.
            roles: the names of its roles, in a list.
            policy: an admin policy.
        """
        _check(user, str, "Username should be a string")
        _check(roles, list, "Roles should be a list")
        self._client.create_pki_user(user, roles, policy=self._admin(policy))
        return 0

    @method
    def admin_drop_user(self, user: Any, policy: Any = None) -> int:
        """Drop a user.

        Args:
            user: its name.
            policy: an admin policy.
        """
        _check(user, str, "Username should be a string")
        self._client.drop_user(user, policy=self._admin(policy))
        return 0

    @method
    def admin_set_password(self, user: Any, password: Any, policy: Any = None) -> int:
        """Set the password of a user.

        Args:
            user: its name.
            password: the new password.
            policy: an admin policy.
        """
        return self._password(user, password, policy)

    @method
    def admin_change_password(self, user: Any, password: Any, policy: Any = None) -> int:
        """Change the password of the client's own user.

        Args:
            user: its name.
            password: the new password.
            policy: an admin policy.
        """
        return self._password(user, password, policy)

    def _password(self, user: Any, password: Any, policy: Any) -> int:
        _check(user, str, "Username should be a string")
        _check(password, str, "Password should be a string")
        self._client.change_password(user, password, policy=self._admin(policy))
        return 0

    @method
    def admin_grant_roles(self, user: Any, roles: Any, policy: Any = None) -> int:
        """Give a user more roles.

        Args:
            user: its name.
            roles: the names of the roles, in a list.
            policy: an admin policy.
        """
        _check(user, str, "Username should be a string")
        _check(roles, list, "Roles should be a list")
        self._client.grant_roles(user, roles, policy=self._admin(policy))
        return 0

    @method
    def admin_revoke_roles(self, user: Any, roles: Any, policy: Any = None) -> int:
        """Take roles from a user.

        Args:
            user: its name.
            roles: the names of the roles, in a list.
            policy: an admin policy.
        """
        _check(user, str, "Username should be a string")
        _check(roles, list, "Roles should be a list")
        self._client.revoke_roles(user, roles, policy=self._admin(policy))
        return 0

    @method
    def admin_query_user_info(self, user: Any, policy: Any = None) -> dict[str, Any]:
        """What the server tells of a user.

        Args:
            user: its name.
            policy: an admin policy.

        Returns:
            `roles`, `read_info`, `write_info` and `conns_in_use`.
        """
        _check(user, str, "Username should be a string")
        return _user(self._client.query_user(user, policy=self._admin(policy)))

    @method
    def admin_query_users_info(self, policy: Any = None) -> dict[str, dict[str, Any]]:
        """What the server tells of all users, by their names.

        Args:
            policy: an admin policy.
        """
        return {user.name: _user(user) for user in self._client.query_users(policy=self._admin(policy))}

    # --- roles ---

    @method
    def admin_create_role(
        self,
        role: Any,
        privileges: Any = None,
        policy: Any = None,
        whitelist: Any = None,
        read_quota: Any = 0,
        write_quota: Any = 0,
    ) -> int:
        """Create a role.

        Args:
            role: its name.
            privileges: dicts with `code` and, where it is limited, `ns` and `set`.
            policy: an admin policy.
            whitelist: the addresses from which its users may connect.
            read_quota: records a second that each may read; 0 for any number.
            write_quota: records a second that each may write; 0 for any number.
        """
        _check(role, str, "Role name should be a string.")
        chosen = [] if privileges is None else _privileges(privileges)
        self._client.create_role(
            role,
            chosen,
            allowlist=_addresses(whitelist),
            read_quota=_quota(read_quota, "py_read_quota"),
            write_quota=_quota(write_quota, "py_write_quota"),
            policy=self._admin(policy),
        )
        return 0

    @method
    def admin_drop_role(self, role: Any, policy: Any = None) -> int:
        """Drop a role.

        Args:
            role: its name.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string.")
        self._client.drop_role(role, policy=self._admin(policy))
        return 0

    @method
    def admin_grant_privileges(self, role: Any, privileges: Any, policy: Any = None) -> int:
        """Let a role allow more.

        Args:
            role: its name.
            privileges: dicts as in `admin_create_role`.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string")
        self._client.grant_privileges(role, _privileges(privileges), policy=self._admin(policy))
        return 0

    @method
    def admin_revoke_privileges(self, role: Any, privileges: Any, policy: Any = None) -> int:
        """Let a role allow less.

        Args:
            role: its name.
            privileges: dicts as in `admin_create_role`.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string")
        self._client.revoke_privileges(role, _privileges(privileges), policy=self._admin(policy))
        return 0

    @method
    def admin_get_role(self, role: Any, policy: Any = None) -> dict[str, Any]:
        """What a role allows.

        Args:
            role: its name.
            policy: an admin policy.

        Returns:
            `privileges`, `whitelist`, `read_quota` and `write_quota`.
        """
        _check(role, str, "Role name should be a string")
        return _role(self._client.query_role(role, policy=self._admin(policy)))

    @method
    def admin_get_roles(self, policy: Any = None) -> dict[str, dict[str, Any]]:
        """What all roles allow, by their names.

        Args:
            policy: an admin policy.
        """
        return {role.name: _role(role) for role in self._client.query_roles(policy=self._admin(policy))}

    @method
    def admin_query_role(self, role: Any, policy: Any = None) -> list[dict[str, Any]]:
        """The privileges of a role.

        Args:
            role: its name.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string")
        return _told(self._client.query_role(role, policy=self._admin(policy)))

    @method
    def admin_query_roles(self, policy: Any = None) -> dict[str, list[dict[str, Any]]]:
        """The privileges of all roles, by their names.

        Args:
            policy: an admin policy.
        """
        return {role.name: _told(role) for role in self._client.query_roles(policy=self._admin(policy))}

    @method
    def admin_set_whitelist(self, role: Any, whitelist: Any, policy: Any = None) -> int:
        """Say from which addresses the users of a role may connect.

        Args:
            role: its name.
            whitelist: the addresses and subnets, in a list; None for any.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string.")
        self._client.set_allowlist(role, _addresses(whitelist), policy=self._admin(policy))
        return 0

    @method
    def admin_set_quotas(
        self, role: Any, read_quota: Any = 0, write_quota: Any = 0, policy: Any = None
    ) -> int:
        """Say how many records a second the users of a role may read and write.

        Args:
            role: its name.
            read_quota: how many each may read; 0 for any number.
            write_quota: how many each may write; 0 for any number.
            policy: an admin policy.
        """
        _check(role, str, "Role name should be a string.")
        quotas = _quota(read_quota, "py_read_quota"), _quota(write_quota, "py_write_quota")
        self._client.set_quotas(role, *quotas, policy=self._admin(policy))
        return 0

    def _admin(self, policy: Any) -> AdminPolicy:
        made: AdminPolicy = self._kinds["admin"](policy)
        return made


def _check(value: Any, kind: type, message: str) -> None:
    if not isinstance(value, kind):
        raise param_error(message)


def _privileges(privileges: Any) -> list[Privilege]:
    _check(privileges, list, "Privileges should be a list")
    for privilege in privileges:
        _check(privilege, dict, "A privilege should be a dictionary")
        _check(privilege.get("code"), int, "A privilege needs a code")
    return [
        Privilege.of(privilege["code"], privilege.get("ns") or None, privilege.get("set") or None)
        for privilege in privileges
    ]


def _addresses(whitelist: Any) -> list[str]:
    if whitelist is None:
        return []
    if not isinstance(whitelist, list) or not all(isinstance(each, str) for each in whitelist):
        raise param_error("Whitelist must be a list of IP strings.")
    return whitelist


def _quota(quota: Any, name: str) -> int:
    if not isinstance(quota, int):
        raise param_error(f"{name} must be an integer.")
    return quota


def _told(role: Role) -> list[dict[str, Any]]:
    return [
        {"code": privilege.code, "ns": privilege.namespace or "", "set": privilege.set_name or ""}
        for privilege in role.privileges
    ]


def _role(role: Role) -> dict[str, Any]:
    return {
        "privileges": _told(role),
        "whitelist": list(role.allowlist),
        "read_quota": role.read_quota,
        "write_quota": role.write_quota,
    }


def _user(user: User) -> dict[str, Any]:
    use = [
        [] if told is None else [told.quota, told.single_record_tps, told.query_rps, told.limitless]
        for told in (user.read_info, user.write_info)
    ]
    return {
        "read_info": use[0],
        "write_info": use[1],
        "conns_in_use": user.conns_in_use,
        "roles": list(user.roles),
    }
