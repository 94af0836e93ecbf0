"""The cluster as the client sees it: its nodes, which partitions each owns, and what keeps that up to date.

    info_answers      the text of info commands and their answers: no I/O
    addresses         host names and advertised addresses become addresses that can be reached
    tls               the context and the handshake of connections with TLS
    tls_in_loop       the same, and sealing and opening bytes, for the connections of asyncio loops
    security_messages the messages to log in and to administrate users, and their answers: no I/O
    passwords         the hashes that are sent in their place
    login             the client's sessions at the servers
    greeting          the first request on a connection of an asyncio loop
    connect           opens every socket to a server, for threads and for asyncio loops
    parallel          runs several jobs at the same time, within one deadline
    probe             connects to a server and asks what it is
    seeds             finds servers by the hosts that the user named
    node              one server of the cluster, with its pool
    view              the whole as it is known now: nodes, partition map, what can't be reached
    tend              one round of tending: from a view to the next
    tend_thread       the thread that runs rounds, and its clock
    drop_guard        the warning of a client that is dropped before it is closed
    cluster           the current view, and the life of all this from start to close
    retry             whether a failed command is tried again, when and where, or which error it ends with
    administer        commands that change the cluster itself: one node is told, and tells the others
    watch             asks the nodes until each has done what a call has told them to
    users             creating, changing and reading users and roles
    udf_modules       registering, removing and reading UDF modules
    thread_executor   runs commands for threads
    loop_executor     runs commands for the tasks of asyncio loops

Each knows those above it only. What commands are made of is in the compiled layer.
"""

import logging

from pyspike.cluster.cluster import Cluster
from pyspike.process import exit, fork  # noqa: F401 - what they do begins when they are imported

__all__ = ["Cluster"]

# Without this, Python itself would print the library's warnings to stderr.
logging.getLogger("pyspike").addHandler(logging.NullHandler())
