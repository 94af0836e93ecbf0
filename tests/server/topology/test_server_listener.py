"""A listener that is closed leaves no connection behind that nobody knows of."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from pyspike.server.topology.listener import Listener


class Counted(asyncio.Protocol):
    """A protocol whose connections are counted when they are made."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Counted.made += 1


@pytest.mark.parametrize("steps", range(8))
def test_a_connection_that_is_being_accepted_is_closed_with_the_listener(steps: int) -> None:
    """The listener is closed so many steps of the loop after the client has connected."""

    async def scenario() -> None:
        Counted.made = 0
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
            listener = Listener(listening, Counted)
            client.connect(listening.getsockname())
            for _ in range(steps):
                await asyncio.sleep(0)
            was_open = Counted.made
            listener.close()
            if was_open:  # whoever keeps the connections knows of it
                return
            client.setblocking(False)
            with contextlib.suppress(ConnectionResetError):
                received = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 30)
                assert received == b""

    asyncio.run(scenario())
