"""How a client connects, tends its view of the cluster and pools its connections."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pyspike.errors import InvalidArgument
from pyspike.plain_value import value_class
from pyspike.policy.admin import AdminPolicy
from pyspike.policy.base import Milliseconds, MillisecondsOrNone, Policy, policy_field
from pyspike.policy.batch import BatchPolicy
from pyspike.policy.checks import (
    MAX_INT32,
    address_map,
    codecs_of,
    instance,
    instance_or_none,
    int_or_none,
    ms_or_none,
    password_or_none,
    positive_ms,
    racks_or_none,
    text_or_none,
    user_or_none,
    whole,
)
from pyspike.policy.config_provider import ConfigProvider
from pyspike.policy.info import InfoPolicy
from pyspike.policy.query import QueryPolicy
from pyspike.policy.read import ReadPolicy, Replica
from pyspike.policy.tls import TLSPolicy, tls_or_none
from pyspike.policy.transaction import TxnRollPolicy, TxnVerifyPolicy
from pyspike.policy.write import WritePolicy

if TYPE_CHECKING:
    import ssl  # not at run time: a program without TLS need not wait for it

    from pyspike.codecs import AnyCodec

__all__ = ["AuthMode", "ClientPolicy"]


class AuthMode(enum.Enum):
    """How a client logs in.

    INTERNAL: by a user and a password that the servers know; only a hash of the password is sent. EXTERNAL:
    by a user and a password that the servers ask another service for (LDAP), to which they are sent in clear
    text, so it needs TLS. EXTERNAL_INSECURE: the same without TLS, by which whoever can listen reads the
    password. PKI: by the certificate of a TLS connection, without a password.
    """

    INTERNAL = 0
    EXTERNAL = 1
    EXTERNAL_INSECURE = 2
    PKI = 3


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class ClientPolicy(Policy):
    """How a client connects, tends its view of the cluster and pools its connections.

    Args:
        timeout: how long connecting may take: to the cluster with the first look at it, later to one node.
        idle_timeout: how long an unused connection is kept.
        min_conns_per_node: how many connections are opened in advance and kept: for the calls of threads, and
            in each asyncio loop for reads and for writes, of each up to `pipelines_per_node`. A loop opens
            its own when a client is entered in it (`async with`, `AsyncClient.connect`), or else with the
            first command.
        max_conns_per_node: how many there may be, for the calls of threads; and in each asyncio loop for
            batches, while commands on one record use pipelines.
        max_waiting_per_node: how many commands may wait for a connection to a node when all are in use; None
            for any number, each until its deadline. In asyncio it counts for each loop, for reads, for writes
            and for batches.
        pipelines_per_node: how many connections an asyncio loop opens to a node for reads, and how many for
            writes, which wait for the replicas and would hold up reads; as many again for records above
            64 KiB, which would hold up the others. While some are silent, up to as many take their place.
        commands_per_pipeline: how many commands may be in flight on one of them; on one for large records it
            is one.
        fail_if_not_connected: whether making a client fails if no seed host can be reached; if not, the
            client goes on trying.
        tend_interval: the time between two looks at the cluster.
        ip_map: addresses that nodes advertise, each with the address to use instead.
        use_services_alternate: whether to use the nodes' alternate access addresses, as far as there are any
            that can be reached, and else the usual ones.
        cluster_name: if given, nodes of a cluster with another name are refused.
        buffer_reclaim_threshold: bytes above which a connection's buffer is given back after use.
        application_id: the name under which the application shows up in the server's statistics; the user's
            if left out.
        user: the name of the user that the client logs in as; None for servers without security.
        password: the user's password. It is not shown, and a policy with one can't be pickled.
        auth_mode: how the client logs in.
        login_timeout: how long a login may take at a node; opening a connection for it is not included.
        tls: how to speak TLS with all nodes; None to speak without. Each host then needs the name that its
            certificate must have, as in `"10.0.0.1:tls-name:4333"`. An `ssl.SSLContext` is used as it is.
            Over TLS a server takes one command at a time on a connection: so an asyncio loop opens as many
            connections as it has commands under way, up to `max_conns_per_node` for reads and as many for
            writes, and `pipelines_per_node` and `commands_per_pipeline` can't be given.
        rack_ids: the racks that reads by `Replica.PREFER_RACK` prefer, the first one most. Nodes tell their
            racks (Enterprise Edition); while none does, such reads go where SEQUENCE has them go.
        max_error_rate: how many errors a node may have in a window of time before it gets no commands for a
            while, so that one that fails costs others no time; 0 for any number. Errors are results by which
            the node is at fault (TIMEOUT, PARTITION_UNAVAILABLE, DEVICE_OVERLOAD) and
            connections that broke or timed out, but not those that could not be opened. Reads go to the next
            replica then; what can't go elsewhere fails with `MaxErrorRate` at once. In the next window the
            node is tried again, with half as many errors allowed, and twice as many after a window that was
            well, until it is this number again.
        error_rate_window: the length of such a window, in times of `tend_interval`.
        seed_only_cluster: whether the nodes are the seeds, by the addresses that `hosts` has, and no others:
            what nodes tell of their peers and addresses is ignored. Seeds that can't be reached are tried
            again; what a node that is no seed owns is asked of another one, which passes it on.
        config_provider: a file from which the client takes values of policies while it runs; that which the
            environment variable `AEROSPIKE_CLIENT_CONFIG_URL` names comes in its place.
        tracing: whether each call is an OpenTelemetry span, of the tracer provider of the program; needs the
            extra `otel`. A span takes longer than the command that it is of. A stream, `aggregate` and a job
            in the background are one each; calls about the cluster itself have none.
        slow_command: how long a call may take before the logger `pyspike.slow` has a line about it, with
            where the time went; None for no such log. A query is one call, until its last record was taken.
        slow_command_digests: whether such lines have the digests of keys.
        codecs: how values are stored of types that Aerospike has none for, one for each type: see
            `pyspike.codecs`.
        read: the policy of reads that are given none, also of rows of batches that read.
        write: the policy of writes that are given none, also of rows of batches that write or delete.
        info: the policy of info commands that are given none.
        admin: the policy of commands that change the cluster itself and are given none.
        batch: the policy of batches that are given none.
        query: the policy of queries that are given none.
        txn_verify: how commits of transactions verify what was read.
        txn_roll: how commits and aborts of transactions have the records rolled.

    All times are milliseconds, 0 or 1 at least, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: a value is of the wrong type.
        InvalidArgument: a value is out of range, the least number of connections is above the greatest, or
            how to log in contradicts itself, or a policy prefers racks and there are no `rack_ids`.
    """

    timeout: Milliseconds = policy_field(1000, positive_ms)
    idle_timeout: Milliseconds = policy_field(30_000, positive_ms)
    min_conns_per_node: int = policy_field(0, whole(0, MAX_INT32))
    max_conns_per_node: int = policy_field(256, whole(1, MAX_INT32))
    max_waiting_per_node: int | None = policy_field(None, int_or_none(0, MAX_INT32))
    pipelines_per_node: int = policy_field(2, whole(1, MAX_INT32))
    commands_per_pipeline: int = policy_field(128, whole(1, MAX_INT32))
    fail_if_not_connected: bool = policy_field(True, instance(bool))
    tend_interval: Milliseconds = policy_field(1000, positive_ms)
    ip_map: Mapping[str, str] | None = policy_field(None, address_map, hash=False)
    use_services_alternate: bool = policy_field(False, instance(bool))
    cluster_name: str | None = policy_field(None, text_or_none)
    buffer_reclaim_threshold: int = policy_field(65536, whole(0, MAX_INT32))
    application_id: str | None = policy_field(None, text_or_none)
    user: str | None = policy_field(None, user_or_none)
    password: str | None = policy_field(None, password_or_none, secret=True)
    auth_mode: AuthMode = policy_field(AuthMode.INTERNAL, instance(AuthMode))
    login_timeout: Milliseconds = policy_field(5000, positive_ms)
    tls: TLSPolicy | ssl.SSLContext | None = policy_field(None, tls_or_none)
    rack_ids: Sequence[int] | None = policy_field(None, racks_or_none)
    max_error_rate: int = policy_field(100, whole(0, MAX_INT32))
    error_rate_window: int = policy_field(1, whole(1, MAX_INT32))
    seed_only_cluster: bool = policy_field(False, instance(bool))
    config_provider: ConfigProvider | None = policy_field(None, instance_or_none(ConfigProvider))
    tracing: bool = policy_field(False, instance(bool))
    slow_command: MillisecondsOrNone = policy_field(None, ms_or_none)
    slow_command_digests: bool = policy_field(False, instance(bool))
    codecs: Sequence[AnyCodec] = policy_field((), codecs_of)
    read: ReadPolicy = policy_field(ReadPolicy(), instance(ReadPolicy))
    write: WritePolicy = policy_field(WritePolicy(), instance(WritePolicy))
    info: InfoPolicy = policy_field(InfoPolicy(), instance(InfoPolicy))
    admin: AdminPolicy = policy_field(AdminPolicy(), instance(AdminPolicy))
    batch: BatchPolicy = policy_field(BatchPolicy(), instance(BatchPolicy))
    query: QueryPolicy = policy_field(QueryPolicy(), instance(QueryPolicy))
    txn_verify: TxnVerifyPolicy = policy_field(TxnVerifyPolicy(), instance(TxnVerifyPolicy))
    txn_roll: TxnRollPolicy = policy_field(TxnRollPolicy(), instance(TxnRollPolicy))

    def _complete(self) -> None:
        if self.min_conns_per_node > self.max_conns_per_node:
            raise InvalidArgument(
                f"{type(self).__name__}.min_conns_per_node is {self.min_conns_per_node}, "
                f"above max_conns_per_node, which is {self.max_conns_per_node}"
            )
        if self.commands_over_tls:
            for name in ("pipelines_per_node", "commands_per_pipeline"):
                if name in self._changed():
                    raise InvalidArgument(
                        f"{type(self).__name__}.{name} can't be given with tls",
                        advice="over TLS a connection carries one command; max_conns_per_node bounds them",
                    )
        self._check_login()
        self._check_nodes()

    @property
    def is_watched(self) -> bool:
        """Whether anything watches the calls of the client."""
        return self.tracing or self.slow_command is not None

    @property
    def logs_in(self) -> bool:
        """Whether the client logs in."""
        return self.user is not None or self.auth_mode is AuthMode.PKI

    @property
    def tls_for_login_only(self) -> bool:
        """Whether logins go over TLS, and nothing else."""
        return isinstance(self.tls, TLSPolicy) and self.tls.for_login_only

    @property
    def commands_over_tls(self) -> bool:
        """Whether commands go over TLS."""
        return self.tls is not None and not self.tls_for_login_only

    def _check_login(self) -> None:
        name = type(self).__name__
        if self.tls_for_login_only and not self.logs_in:
            raise InvalidArgument(
                f"{name}.tls is for_login_only, but there is no login",
                advice="give user and password too, or leave for_login_only out to have all go over TLS",
            )
        if self.auth_mode in (AuthMode.EXTERNAL, AuthMode.PKI) and self.tls is None:
            raise InvalidArgument(
                f"{name}.auth_mode is {self.auth_mode}, which needs TLS",
                advice="AuthMode.EXTERNAL_INSECURE sends the password in clear text"
                if self.auth_mode is AuthMode.EXTERNAL
                else "",
            )
        if self.auth_mode is AuthMode.PKI:
            if self.user is not None or self.password is not None:
                raise InvalidArgument(
                    f"with {self.auth_mode} the certificate tells the user: {name} takes no user, no password"
                )
            if isinstance(self.tls, TLSPolicy) and self.tls.certificate_file is None:
                raise InvalidArgument(
                    f"{name}.auth_mode is {self.auth_mode}, and tls has no certificate",
                    advice="give TLSPolicy.certificate_file and key_file",
                )
            return
        if (self.user is None) != (self.password is None):
            missing, given = ("user", "password") if self.user is None else ("password", "user")
            raise InvalidArgument(f"{name} has a {given}, but no {missing}")
        if self.user is None and self.auth_mode is not AuthMode.INTERNAL:
            raise InvalidArgument(f"{name}.auth_mode is {self.auth_mode}, which needs user and password")

    def _check_nodes(self) -> None:
        if self.seed_only_cluster and self.tls_for_login_only:
            raise InvalidArgument(
                f"{type(self).__name__}.seed_only_cluster uses no address but the seeds', "
                "with tls for_login_only these are used for logins only"
            )
        for name in ("use_services_alternate", "ip_map") if self.seed_only_cluster else ():
            if getattr(self, name):
                raise InvalidArgument(
                    f"{type(self).__name__}.{name} has no effect with seed_only_cluster, "
                    "by which no address is used but the seeds'"
                )
        for name in ("read", "batch", "query", "txn_verify"):
            if getattr(self, name).replica is Replica.PREFER_RACK and self.rack_ids is None:
                raise InvalidArgument(
                    f"ClientPolicy.{name} has Replica.PREFER_RACK, but the client prefers no rack",
                    advice="give rack_ids too",
                )
