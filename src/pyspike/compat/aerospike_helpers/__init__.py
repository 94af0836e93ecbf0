"""Stands for the package `aerospike_helpers`: makes what the client's methods take."""

from __future__ import annotations

from pyspike.compat.model.values import HyperLogLog

__all__ = ["HyperLogLog"]
