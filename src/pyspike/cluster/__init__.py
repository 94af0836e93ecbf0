"""The cluster as the client sees it: its nodes, who owns which partition, and what keeps both true.

    info        what is said and what it means: pure text
    net         names, addresses, sockets
    parallel    several things at once, within a deadline
    probe       getting to know one server
    seeds       the hosts the user named
    node        one server, with its pool
    tend        one round of looking after all of them
    lifecycle   the thread that goes round; fork, exit, garbage collection
    cluster     what commands use
    retry       what a failed attempt means for its command
    blocking    how threads run commands
    pipelined   how the tasks of an asyncio loop do

Each knows those above it only. What commands are made of is in the compiled layer.
"""

import logging

from pyspike.cluster.cluster import Cluster

__all__ = ["Cluster"]

# Without this, Python itself would print the library's warnings to stderr.
logging.getLogger("pyspike").addHandler(logging.NullHandler())
