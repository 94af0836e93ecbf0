"""Which sockets a process has open; reads Linux's /proc."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from typing import NamedTuple

from pyspike.hosts import parse_hosts


class Open(NamedTuple):
    """A TCP socket."""

    descriptor: int
    inode: int
    port: int | None  # of its peer, if it is connected


def sockets() -> dict[int, int]:
    """The TCP sockets that this process has open: descriptors to inodes.

    Not the pair of sockets by which a loop wakes itself.
    """
    return {each.descriptor: each.inode for each in _all()}


def connections(hosts: str) -> set[int]:
    """The inodes of those that lead to one of the hosts."""
    ports = {host.port for host in parse_hosts(hosts)}
    return {each.inode for each in _all() if each.port in ports}


def _all() -> list[Open]:
    found = []
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # closed by now, as the directory's own is
            status = os.stat(descriptor)
            if stat.S_ISSOCK(status.st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as copy:
                    if copy.family in (socket.AF_INET, socket.AF_INET6):
                        found.append(Open(descriptor, status.st_ino, _port_of_peer(copy)))
    return found


def _port_of_peer(connection: socket.socket) -> int | None:
    try:
        port: int = connection.getpeername()[1]
    except OSError:
        return None
    return port
