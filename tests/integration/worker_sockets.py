"""Which connections to the cluster a process has."""

from __future__ import annotations

import os
import socket
import stat

from pyspike.hosts import parse_hosts


def connections(hosts: str) -> set[int]:
    """The inodes of this process's sockets that lead to one of the hosts."""
    ports = {host.port for host in parse_hosts(hosts)}
    inodes = (_inode(int(name), ports) for name in os.listdir("/proc/self/fd"))
    return {inode for inode in inodes if inode is not None}


def _inode(descriptor: int, ports: set[int]) -> int | None:
    try:
        status = os.stat(descriptor)
        if not stat.S_ISSOCK(status.st_mode):
            return None
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            peer = copy.getpeername()
    except OSError:  # closed by now, or not connected
        return None
    return status.st_ino if isinstance(peer, tuple) and peer[1] in ports else None
