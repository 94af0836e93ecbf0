"""user and role: who may do what at a cluster of the Enterprise Edition."""

from __future__ import annotations

import click

from pyspike.cli.options import as_json, connect, connecting
from pyspike.cli.output import print_json

__all__ = ["role", "user"]


@click.group()
def user() -> None:
    """Users: list them."""


@click.group()
def role() -> None:
    """Roles: list them."""


@user.command("list")
@connecting
@as_json
def list_users(hosts: str, timeout: float, as_json: bool) -> None:
    """List the users with their roles. --json prints a line for each."""
    with connect(hosts, timeout) as client:
        found = client.query_users()
    for each in found:
        if as_json:
            print_json({"name": each.name, "roles": list(each.roles), "connections": each.conns_in_use})
        else:
            click.echo(f"{each.name}  {', '.join(each.roles) or 'no roles'}")


@role.command("list")
@connecting
@as_json
def list_roles(hosts: str, timeout: float, as_json: bool) -> None:
    """List the roles with their privileges. --json prints a line for each."""
    with connect(hosts, timeout) as client:
        found = client.query_roles()
    for each in found:
        privileges = [str(privilege) for privilege in each.privileges]
        if as_json:
            told = {"name": each.name, "privileges": privileges, "allowlist": list(each.allowlist)}
            print_json(told | {"read_quota": each.read_quota, "write_quota": each.write_quota})
        else:
            limits = [f"from {address}" for address in each.allowlist]
            limits += [f"{each.read_quota} reads/s"] if each.read_quota else []
            limits += [f"{each.write_quota} writes/s"] if each.write_quota else []
            click.echo("  ".join([each.name, ", ".join(privileges) or "nothing", *limits]))
