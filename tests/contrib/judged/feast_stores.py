"""Has Feast's universal tests use pyspike's online store: what FULL_REPO_CONFIGS_MODULE names in a checkout.

It stands for each online store by whose name a test asks for one.
"""

import os
from typing import Any

from tests.universal.feature_repos.universal.online_store_creator import OnlineStoreCreator


class AerospikeCreator(OnlineStoreCreator):
    """Says where the online store is, which runs already."""

    def create_online_store(self) -> dict[str, Any]:
        url = os.environ["JUDGED_URL"]
        return {"type": "pyspike.contrib.feast.AerospikeOnlineStore", "url": url}

    def teardown(self) -> None:
        pass


AVAILABLE_OFFLINE_STORES: list[Any] = []
AVAILABLE_ONLINE_STORES = {os.environ["JUDGED_AS"]: ({"type": "redis"}, AerospikeCreator)}
