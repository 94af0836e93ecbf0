"""The configuration of a client: the official dictionary, and what pyspike's client is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspike import AuthMode, ClientPolicy, ConfigProvider, errors
from pyspike.compat.facts.configuration import CONFIG, LUA, POLICIES, SHM, TLS
from pyspike.compat.facts.policies import AUTH_MODES, GLOBAL
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.translate.policies import PolicyKind, checked_keys, made_kinds
from pyspike.compat.translate.tls import tls_of

__all__ = ["Configuration", "configuration_of"]

MAX_PATH = 255
DEFAULT_PORT = 3000
SHM_KEY = 0xA900_0000
INTEGER = 0  # of send_bool_as


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a client is made with.

    Args:
        hosts: the seeds, as pyspike takes them.
        options: the fields of `ClientPolicy` that the configuration sets, but for user and password.
        user: the user's name, if the configuration has one.
        password: its password.
        kinds: what makes policies, by their kinds.
        metrics: the `MetricsPolicy` that `enable_metrics` takes by default; None if there is none.
        validate: whether keys that are not known are an error in any case.
        strict: whether operations that can't be done are refused before they are sent.
        bools_as_ints: whether bools are written as ints.
        shm_key: that of shared memory, which pyspike has none of; None if the configuration has no `shm`.
        serialize: makes bytes of values that Aerospike has no type for; None if there is no such function.
        deserialize: makes values of bytes; None if there is no such function.
    """

    hosts: list[str]
    options: dict[str, Any]
    user: str | None
    password: str | None
    kinds: dict[str, PolicyKind[Any]]
    metrics: Any
    validate: bool
    strict: bool
    bools_as_ints: bool
    shm_key: int | None
    serialize: Callable[[Any], Any] | None
    deserialize: Callable[[Any], Any] | None

    def policy(self, user: str | None, password: str | None) -> ClientPolicy:
        """The policy of a client that logs in as this user, or without one.

        Raises:
            ParamError: what the configuration says contradicts itself.
        """
        login: dict[str, Any] = {} if user is None else {"user": user, "password": password}
        if user is None and self.options.get("auth_mode") is not AuthMode.PKI:
            login["auth_mode"] = AuthMode.INTERNAL
        try:
            return ClientPolicy(
                **self.options | login,
                read=self.kinds["read"].default,
                batch=self.kinds["batch"].default,
                query=self.kinds["query"].default,
                txn_verify=self.kinds["txn_verify"].default,
                txn_roll=self.kinds["txn_roll"].default,
            )
        except errors.InvalidArgument as error:
            raise param_error(error.message) from error


def configuration_of(config: Any, provider: type, metrics: type) -> Configuration:
    """What a configuration dictionary says.

    Args:
        config: the dictionary.
        provider: the class of its `config_provider`.
        metrics: the class of its policy `metrics`.

    Raises:
        ParamError: it is none, a key is not known, or a value can't be used.
    """
    if not isinstance(config, dict):
        raise param_error("Config must be a dict")
    validate = _bool(config, "validate_keys", 'config["validate_keys"] must be a boolean') or False
    hosts = _hosts(config.get("hosts"))
    checked_keys(config, CONFIG, "client config", validate)
    serialize, deserialize = _serializers(config.get("serialization"))
    _check_paths(config.get("lua"), validate)
    shm = _section(config, "shm", SHM, validate)
    tls = _section(config, "tls", TLS, validate)
    policies = _section(config, "policies", POLICIES, validate)
    if policies.get("metrics") is not None:
        _check_metrics(policies["metrics"], metrics)
    common = {key: value for key, value in policies.items() if key in GLOBAL} | _threshold(config)
    kinds = made_kinds(policies, common, validate)
    return Configuration(
        hosts=hosts,
        options=_options(config, provider) | _login(policies) | {"tls": tls_of(tls)},
        user=_text(config, "user"),
        password=_text(config, "password"),
        kinds=kinds,
        metrics=policies.get("metrics"),
        validate=validate,
        strict=_bool(config, "strict_types") is not False,
        bools_as_ints=_int(config, "send_bool_as") == INTEGER,
        shm_key=shm.get("shm_key", SHM_KEY) if shm else None,
        serialize=serialize,
        deserialize=deserialize,
    )


# Parts of it ------------------------------------------------------------------------------------------------


def _section(config: dict[str, Any], name: str, known: frozenset[str], validate: bool) -> dict[str, Any]:
    section = config.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise param_error(f"{name} must be a dict")
    checked_keys(section, known, "client config", validate)
    return section


def _hosts(hosts: Any) -> list[str]:
    if not isinstance(hosts, list):
        raise param_error("Hosts must be a list")
    if not hosts:
        raise param_error("Hosts must not be empty")
    return [_host(host) for host in hosts]


def _host(host: Any) -> str:
    address, port, tls_name = host, DEFAULT_PORT, None
    if isinstance(host, tuple) and 1 <= len(host) <= 3:
        address, port, tls_name = (host + (DEFAULT_PORT, None)[len(host) - 1 :])[:3]
    if isinstance(address, str) and not isinstance(port, int):
        raise param_error("Invalid host -> The host port must be an integer")
    if not isinstance(address, str) or not isinstance(port, int) or not isinstance(tls_name, str | None):
        raise param_error("Invalid host")
    if ":" in address and not address.startswith("["):
        if isinstance(host, str):
            return address  # "address:port"
        address = f"[{address}]"
    return f"{address}:{tls_name}:{port}" if tls_name else f"{address}:{port}"


def _serializers(pair: Any) -> tuple[Callable[[Any], Any] | None, Callable[[Any], Any] | None]:
    if pair is None:
        return None, None
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise param_error("Serialization must be a tuple of two functions")
    for function, name in zip(pair, ("Serializer", "Deserializer"), strict=True):
        if function is not None and not callable(function):
            raise param_error(f"{name} must be callable")
    return pair


def _check_paths(lua: Any, validate: bool) -> None:
    if lua is None:
        return
    if not isinstance(lua, dict):
        raise param_error("lua must be a dict")
    checked_keys(lua, LUA, "client config", validate)
    for key, name in (("user_path", "user"), ("system_path", "system")):
        if len(lua.get(key) or "") > MAX_PATH:
            raise param_error(f"Lua {name} path too long")


def _check_metrics(policy: Any, kind: type) -> None:
    if not isinstance(policy, kind):
        raise param_error(
            "metrics must be an aerospike_helpers.metrics.MetricsPolicy class instance. But "
            f"a {type(policy).__name__} was received instead"
        )


def _threshold(config: dict[str, Any]) -> dict[str, Any]:
    threshold = config.get("compression_threshold", 0)
    if not isinstance(threshold, int) or threshold < 0:
        raise param_error("Compression value must not be negative")
    return {"compression_threshold": threshold} if threshold else {}


OPTIONS = {
    "tend_interval": "tend_interval",
    "connect_timeout": "timeout",
    "min_conns_per_node": "min_conns_per_node",
    "max_conns_per_node": "max_conns_per_node",
    "max_error_rate": "max_error_rate",
    "error_rate_window": "error_rate_window",
}
FLAGS = {
    "use_services_alternate": "use_services_alternate",
    "fail_if_not_connected": "fail_if_not_connected",
    "force_single_node": "seed_only_cluster",
}
TEXTS = {"cluster_name": "cluster_name", "app_id": "application_id"}
# What there is nothing for here: pyspike's pools and threads are its own.
UNUSED_FLAGS = ("use_shared_connection", "rack_aware")
UNUSED_INTS = ("thread_pool_size", "max_threads", "max_socket_idle")


def _options(config: dict[str, Any], provider: type) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, field in OPTIONS.items():
        if (number := _int(config, key)) is not None:
            options[field] = number
    for key, field in FLAGS.items():
        if (flag := _bool(config, key)) is not None:
            options[field] = flag
    if not isinstance(config.get("app_id"), str | None):
        raise TypeError("app_id must be a string")
    for key, field in TEXTS.items():
        if text := _text(config, key):
            options[field] = text
    for key in UNUSED_FLAGS:
        _bool(config, key)
    for key in UNUSED_INTS:
        _int(config, key)
    idle = config.get("max_socket_idle", 0)
    if idle > 0:
        options["idle_timeout"] = idle * 1000
    options["rack_ids"] = _racks(config)
    given = config.get("config_provider")
    if given is not None:
        if not isinstance(given, provider):
            raise param_error(
                "config_provider must be an aerospike.ConfigProvider class instance. But a "
                f"{type(given).__name__} was received instead"
            )
        options["config_provider"] = ConfigProvider(given.path, given.interval)  # type: ignore[attr-defined]
    return options


def _racks(config: dict[str, Any]) -> tuple[int, ...] | None:
    rack = _int(config, "rack_id")
    racks = config.get("rack_ids")
    if racks is not None and (
        not isinstance(racks, list) or not all(isinstance(each, int) for each in racks)
    ):
        raise param_error("rack_ids must be a list of int")
    if rack is not None and not -(2**31) <= rack < 2**31:
        raise param_error("rack_id must fit into 32 bits")
    if not racks and rack is None and not config.get("rack_aware"):
        return None
    return tuple(dict.fromkeys(racks)) if racks else (rack or 0,)


def _login(policies: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    mode = policies.get("auth_mode")
    if mode is not None:
        if mode not in AUTH_MODES:
            raise param_error("auth_mode is invalid")
        options["auth_mode"] = AUTH_MODES[mode]
    if (timeout := _int(policies, "login_timeout_ms")) is not None:
        options["login_timeout"] = timeout
    return options


# Values of one type -----------------------------------------------------------------------------------------


def _int(section: dict[str, Any], key: str) -> int | None:
    value = section.get(key)
    if value is not None and not isinstance(value, int):
        raise param_error(f"{key} must be an integer")
    return value


def _bool(section: dict[str, Any], key: str, message: str = "") -> bool | None:
    value = section.get(key)
    if value is not None and not isinstance(value, bool):
        raise param_error(message or f"{key} must be a boolean")
    return value


def _text(section: dict[str, Any], key: str) -> str | None:
    value = section.get(key)
    if value is not None and not isinstance(value, str):
        raise param_error(f"{key} must be a string")
    return value
