"""Where a cluster is, as it may be sent to other processes, and a client of it for each process."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pyspike.client import Client
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.hosts import HostsLike, parse_hosts
from pyspike.policy import ClientPolicy
from pyspike.shared_clients import shared_client
from pyspike.showing import shown

__all__ = ["Place", "place_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cluster is, and how to log in: what other processes are sent in place of a client.

    It has no password: each process reads that from its own environment. It can be pickled and compared.

    Args:
        hosts: one or more nodes, as a `Client` takes them.
        policy: the client's, without a user; None for the defaults.
        user: as whom to log in; None for no login.
        password_variable: the name of the environment variable with the password.

    Raises:
        InvalidType: the policy is of another kind.
        InvalidArgument: the hosts can't be read, or the policy has a user.
    """

    hosts: HostsLike
    policy: ClientPolicy | None = None
    user: str | None = None
    password_variable: str = "PYSPIKE_PASSWORD"

    def __post_init__(self) -> None:
        hosts = self.hosts if isinstance(self.hosts, str) else tuple(parse_hosts(self.hosts))
        parse_hosts(hosts)
        object.__setattr__(self, "hosts", hosts)
        if self.policy is not None and not isinstance(self.policy, ClientPolicy):
            raise InvalidType(f"the policy of a place is a ClientPolicy, not {shown(self.policy)}")
        if self.policy is not None and self.policy.user is not None:
            raise InvalidArgument(
                "the policy of a place has no user, as its password would be sent along",
                advice="give the place user=, and each process the password in its environment",
            )

    def client(self) -> Client:
        """The client of this process, which all that work in it share. It is closed when the process ends.

        Raises:
            InvalidArgument: a user is to log in, and there is no password in the environment.
            AerospikeError: no node can be reached.
        """
        return shared_client(self, lambda: Client(self.hosts, self.client_policy()))

    def client_policy(self) -> ClientPolicy:
        """The policy of the client, with the login; raises what `client` does."""
        policy = ClientPolicy() if self.policy is None else self.policy
        if self.user is None:
            return policy
        password = os.environ.get(self.password_variable)
        if password is None:
            raise InvalidArgument(
                f"the environment has no {self.password_variable} with the password of {self.user}",
                advice="set it for each process that reads or writes",
            )
        return policy.replace(user=self.user, password=password)


def place_of(given: Place | HostsLike) -> Place:
    """The place itself, or that of hosts."""
    return given if isinstance(given, Place) else Place(given)
