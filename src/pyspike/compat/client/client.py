"""The client: all its parts in one class."""

from __future__ import annotations

from pyspike.compat.client.administration import Administration
from pyspike.compat.client.batches import Batches
from pyspike.compat.client.indexes import Indexes
from pyspike.compat.client.methods import methods_of
from pyspike.compat.client.metrics import Metrics
from pyspike.compat.client.query import Queries
from pyspike.compat.client.records import Records
from pyspike.compat.client.transaction import Transactions
from pyspike.compat.client.users import Users

__all__ = ["Client"]


@methods_of
class Client(Records, Batches, Queries, Indexes, Administration, Metrics, Users, Transactions):
    """A client of one cluster, made by `aerospike.client`."""
