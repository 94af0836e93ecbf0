"""What the official client is made of: its configuration, and pyspike's client while it is connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pyspike import Client, ReadPolicy, errors
from pyspike.compat.aerospike_helpers.metrics import MetricsPolicy
from pyspike.compat.client.config_provider import ConfigProvider
from pyspike.compat.client.metrics_policy import checked
from pyspike.compat.client.reports import Reports
from pyspike.compat.facts.constants import number
from pyspike.compat.model.exceptions import from_pyspike, param_error, raised
from pyspike.compat.translate.configuration import configuration_of
from pyspike.compat.translate.policies import PolicyKind
from pyspike.compat.translate.values import as_ints, serialized

__all__ = ["SERIALIZERS", "Connection", "Serializers"]


SERIALIZER_NONE, SERIALIZER_USER = number("SERIALIZER_NONE"), number("SERIALIZER_USER")


class Serializers:
    """The functions that hold for all clients: what makes bytes of values, and values of bytes."""

    serialize: Callable[[Any], Any] | None = None
    deserialize: Callable[[Any], Any] | None = None


SERIALIZERS = Serializers()


def _no_serializer(value: Any) -> NoReturn:
    raise ValueError(f"there is no serializer for a {type(value).__name__}")


class _NotConnected:
    """In the place of a client: every call on it fails."""

    def __getattr__(self, name: str) -> NoReturn:
        raise raised("ClusterError", "No connection to aerospike cluster")


NOT_CONNECTED: Any = _NotConnected()


class Connection:
    """The base of the client's parts.

    Args:
        config: its configuration, a dict.

    Raises:
        ParamError: a key of the configuration is not known, or a value can't be used.
        ConnectionError: no host can be reached.
        AerospikeError: the login failed.
    """

    def __init__(self, config: Any) -> None:
        configuration = configuration_of(config, ConfigProvider, MetricsPolicy)
        self._configuration = configuration
        self._client: Client = NOT_CONNECTED
        self._batches: Client = NOT_CONNECTED  # the same, whose policies of reads are not of rows of batches
        self._reports: Reports = NOT_CONNECTED
        if configuration.metrics is not None:
            checked(configuration.metrics)
        self._kinds: dict[str, PolicyKind[Any]] = configuration.kinds
        self._validate = configuration.validate
        self._read: PolicyKind[Any] = configuration.kinds["read"]
        self._write: PolicyKind[Any] = configuration.kinds["write"]
        self._operate: PolicyKind[Any] = configuration.kinds["operate"]
        self._open(configuration.user, configuration.password)

    def _open(self, user: str | None, password: str | None) -> None:
        try:
            self._client = client = Client(
                self._configuration.hosts, self._configuration.policy(user, password)
            )
        except errors.AerospikeError as error:
            raise from_pyspike(error) from error
        self._batches = client.with_policies(read=ReadPolicy())
        self._reports = Reports(client, client._cluster, self._configuration.metrics, user)

    def connect(self, username: str | None = None, password: str | None = None) -> Any:
        """Connect, if the client is not connected; making a client connects it already.

        Args:
            username: the user's name, for servers with security; None for that of the configuration.
            password: the user's password.

        Returns:
            The client itself.

        Raises:
            ParamError: an argument is no str.
            ConnectionError: no host can be reached.
        """
        for name, value in (("Username", username), ("Password", password)):
            if value is not None and not isinstance(value, str):
                raise param_error(f"{name} should be a string")
        if self._client is NOT_CONNECTED:
            configuration = self._configuration
            self._open(
                configuration.user if username is None else username,
                configuration.password if password is None else password,
            )
        return self

    def get_policies(self) -> dict[str, dict[str, Any]]:
        """What the client's policies say, by their kinds."""
        return {kind: made.told() for kind, made in self._kinds.items() if kind != "batch_read"}

    def close(self) -> None:
        """Close all connections; `connect` opens them again."""
        if self._client is not NOT_CONNECTED:
            self._reports.close()
            self._client.close()
            self._client = self._batches = NOT_CONNECTED
            self._reports = NOT_CONNECTED

    def is_connected(self) -> bool:
        """Whether the client is connected."""
        return self._client is not NOT_CONNECTED and self._client.is_connected()

    def _deserializer(self) -> Callable[[Any], Any] | None:
        return self._configuration.deserialize or SERIALIZERS.deserialize

    def _preparing(self, serializer: Any) -> Callable[[Any], Any] | None:
        """What is done with values before they are sent; None if nothing.

        Args:
            serializer: None for the configuration's serializer, `SERIALIZER_USER` for that of all clients if
                the configuration has none, `SERIALIZER_NONE` for none.

        Raises:
            ClientError: it is none of them.
        """
        serialize = self._configuration.serialize
        if serializer is not None:
            if serializer == SERIALIZER_NONE:
                serialize = None
            elif serializer == SERIALIZER_USER:
                serialize = serialize or SERIALIZERS.serialize or _no_serializer
            else:
                raise param_error(f"there is no serializer {serializer!r}")
        ints = self._configuration.bools_as_ints
        if serialize is None:
            return as_ints if ints else None
        chosen = serialize
        return lambda value: serialized(as_ints(value) if ints else value, chosen)

    def __del__(self) -> None:
        client = self.__dict__.get("_client", NOT_CONNECTED)
        if client is not NOT_CONNECTED:
            self.__dict__.get("_reports", NOT_CONNECTED).close()
            client.close()  # as the official client does, without a warning
