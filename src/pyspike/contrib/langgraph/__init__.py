"""LangGraph keeps its checkpoints and its long-term memory in Aerospike; by threads, and truly by tasks.

saver      AerospikeSaver, a checkpointer: what threads of a graph have come to
history    what is read and written for each of its methods
records    how checkpoints stand in records
store      AerospikeStore, a store: items by namespace and key
matching   which items and namespaces a search wants
"""

from __future__ import annotations

from pyspike.contrib.langgraph.saver import AerospikeSaver
from pyspike.contrib.langgraph.store import AerospikeStore

__all__ = ["AerospikeSaver", "AerospikeStore"]
