"""What the subcommands share: where to connect and for how long, how keys are written, what to print."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from pyspike import (
    AdminPolicy,
    AuthMode,
    BatchPolicy,
    Client,
    ClientPolicy,
    InfoPolicy,
    Key,
    ReadPolicy,
    TLSPolicy,
    WritePolicy,
)
from pyspike.hosts import Host, parse_hosts
from pyspike.url import HOSTS, KEY_PASSWORD, PASSWORD, USER

__all__ = [
    "as_json",
    "connect",
    "connect_to",
    "connect_with",
    "connecting",
    "for_connecting",
    "key_arguments",
    "keys_arguments",
    "make_key",
    "refuse_security",
    "secured",
]

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_HOSTS = "127.0.0.1:3000"
OTHER_PASSWORD = "PYSPIKE_TO_PASSWORD"  # the environment variable with that of a second cluster
FILE = click.Path(exists=True, dir_okay=False)


def connecting(command: F) -> F:
    """The options of every subcommand that talks to a cluster: `hosts`, `timeout`, and those of `secured`."""
    command = secured(command)
    command = click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=1000,
        show_default=True,
        metavar="MS",
        help="How long connecting, and then the command, may take.",
    )(command)
    return click.option(
        "--hosts",
        envvar=HOSTS,
        default=DEFAULT_HOSTS,
        show_default=True,
        show_envvar=True,
        metavar="HOST:PORT,...",
        help="One or more nodes of the cluster.",
    )(command)


def secured(command: F) -> F:
    """The options of TLS and logins: no parameters of it, but kept in click's context for `connect`."""
    command = _tls_options(command)
    command = click.option(
        "--auth",
        type=click.Choice([mode.name.lower().replace("_", "-") for mode in AuthMode]),
        default="internal",
        show_default=True,
        expose_value=False,
        callback=_keep,
        help="How to log in.",
    )(command)
    return click.option(
        "--user",
        envvar=USER,
        show_envvar=True,
        metavar="NAME",
        expose_value=False,
        callback=_keep,
        help=f"Log in as this user. The password is asked for, or taken from {PASSWORD}.",
    )(command)


def _tls_options(command: F) -> F:
    command = _kept(
        "--tls-login-only",
        is_flag=True,
        help="Log in over TLS, and send all else in clear, passwords of other users included.",
    )(command)
    command = _kept(
        "--tls-key",
        type=FILE,
        help=f"The PEM file with its key, if that is another one; its password is taken from {KEY_PASSWORD}.",
    )(command)
    command = _kept(
        "--tls-certificate", type=FILE, help="A PEM file with a certificate, for servers that ask for one."
    )(command)
    command = _kept(
        "--tls-ca", type=FILE, help="A PEM file with the authorities to trust, not those of this system."
    )(command)
    command = _kept(
        "--tls-name",
        metavar="NAME",
        help="The name in the certificates of HOSTS that are written without one.",
    )(command)
    return _kept(
        "--tls",
        is_flag=True,
        help="Speak TLS; also if HOSTS are HOST:TLS-NAME:PORT, or with any option of it.",
    )(command)


def _kept(name: str, **settings: Any) -> Callable[[F], F]:
    return click.option(name, expose_value=False, callback=_keep, **settings)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"pyspike.{parameter.name}"] = value


def _login() -> dict[str, Any]:
    """The fields of a ClientPolicy by which it logs in."""
    user = click.get_current_context().meta["pyspike.user"]
    if user is None:
        return _login_mode()
    password = os.environ.get(PASSWORD)  # not an option: whoever lists the processes would read it
    if password is None:
        password = click.prompt(f"Password of {user}", hide_input=True, err=True)
    return {**_login_mode(), "user": user, "password": password}


def _login_mode() -> dict[str, Any]:
    mode = AuthMode[click.get_current_context().meta["pyspike.auth"].replace("-", "_").upper()]
    return {"auth_mode": mode} if mode is not AuthMode.INTERNAL else {}


def _tls(hosts: tuple[Host, ...]) -> tuple[tuple[Host, ...], TLSPolicy | None]:
    """The hosts with their TLS names, and how TLS is spoken; None if it is not."""
    kept = click.get_current_context().meta
    given = {
        "ca_file": kept["pyspike.tls_ca"],
        "certificate_file": kept["pyspike.tls_certificate"],
        "key_file": kept["pyspike.tls_key"],
        "for_login_only": kept["pyspike.tls_login_only"],
    }
    name = kept["pyspike.tls_name"]
    if not (kept["pyspike.tls"] or name or any(given.values()) or any(host.tls_name for host in hosts)):
        return hosts, None
    if name is not None:
        hosts = tuple(Host(host.name, host.port, host.tls_name or name) for host in hosts)
    password = os.environ.get(KEY_PASSWORD) if given["certificate_file"] else None
    return hosts, TLSPolicy(**given, key_password=password)


def as_json(command: F) -> F:
    """The option `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def connect(hosts: str, timeout: float) -> Client:
    """A client with one deadline for everything, with TLS and a login as the options say."""
    policy = ClientPolicy(
        timeout=timeout,
        read=ReadPolicy(total_timeout=timeout),
        write=WritePolicy(total_timeout=timeout),
        info=InfoPolicy(timeout=timeout),
        batch=BatchPolicy(total_timeout=timeout),
        admin=AdminPolicy(timeout=timeout),
    )
    return connect_with(hosts, policy)


def connect_to(hosts: str, timeout: float, user: str | None) -> Client:
    """A client of a second cluster: with TLS as the options say; a login of its own if there is a user."""
    found, tls = _tls(parse_hosts(hosts))
    policy = ClientPolicy(timeout=timeout, batch=BatchPolicy(total_timeout=timeout), tls=tls)
    if user is None:
        return Client(found, policy.replace(**_login()))
    password = os.environ.get(OTHER_PASSWORD)
    if password is None:
        password = click.prompt(f"Password of {user} on {hosts}", hide_input=True, err=True)
    return Client(found, policy.replace(**{**_login_mode(), "user": user, "password": password}))


def connect_with(hosts: str, policy: ClientPolicy) -> Client:
    """A client with this policy, and with TLS and a login as the options say."""
    return Client(*for_connecting(hosts, policy))


def for_connecting(hosts: str, policy: ClientPolicy) -> tuple[tuple[Host, ...], ClientPolicy]:
    """The hosts, and this policy with TLS and a login as the options say."""
    found, tls = _tls(parse_hosts(hosts))
    return found, policy.replace(**_login(), tls=tls)


def refuse_security(why: str) -> None:
    """Refuse options of TLS and logins where they mean nothing.

    Raises:
        UsageError: there are some.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if f"pyspike.{parameter.name}" in context.meta and given:
            raise click.UsageError(f"{parameter.opts[0]} {why}")


def key_arguments(command: F) -> F:
    """The arguments `namespace`, `set_name` and `user_key`, and the option `key_type`."""
    command = _key_type(command)
    command = click.argument("user_key", metavar="KEY")(command)
    return _set_arguments(command)


def keys_arguments(command: F) -> F:
    """The same for one key or several: `user_keys` is a tuple."""
    command = _key_type(command)
    command = click.argument("user_keys", metavar="KEY...", nargs=-1, required=True)(command)
    return _set_arguments(command)


def _key_type(command: F) -> F:
    return click.option(
        "--key-type",
        type=click.Choice(["str", "int", "hex"]),
        default="str",
        show_default=True,
        help="What KEY is: text, an integer, or bytes in hexadecimal.",
    )(command)


def _set_arguments(command: F) -> F:
    command = click.argument("set_name", metavar="SET")(command)
    return click.argument("namespace")(command)


def make_key(namespace: str, set_name: str, user_key: str, key_type: str) -> Key:
    """The key that the arguments mean; the set '' is none."""
    value: int | str | bytes = user_key
    try:
        if key_type == "int":
            value = int(user_key)
        elif key_type == "hex":
            value = bytes.fromhex(user_key)
    except ValueError:
        what = "an integer" if key_type == "int" else "hexadecimal"
        raise click.BadParameter(f"{user_key!r} is not {what}", param_hint="KEY") from None
    return Key(namespace, set_name or None, value)
