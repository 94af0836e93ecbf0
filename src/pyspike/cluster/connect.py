"""Opens every socket of a client, for threads and for asyncio loops.

Connections of both kinds are set up here as they need it before their first command. Not here: what is sent
on them, which `probe` and the executors decide.
"""

from __future__ import annotations

import builtins
import errno
import functools
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pyspike._wire import Connection, disown_socket, own_socket
from pyspike.cluster.addresses import Endpoint, left_ms, resolve
from pyspike.cluster.login import Login, Session, make_login
from pyspike.cluster.waits import Waits
from pyspike.errors import (
    AerospikeError,
    ConnectionError,
    InvalidArgument,
    SecurityError,
    TimeoutError,
    TLSError,
)
from pyspike.hosts import Host
from pyspike.policy import ClientPolicy
from pyspike.process.lazy_imports import importing

if TYPE_CHECKING:
    import asyncio  # not at run time: a program without tasks need not wait for it

    from pyspike.cluster.greeting import Greeting
    from pyspike.cluster.tls import Contexts

__all__ = ["Door", "LoopConnection"]

P = TypeVar("P", bound="asyncio.BufferedProtocol")

_NO_SIGPIPE = getattr(socket, "SO_NOSIGPIPE", None)  # macOS, which has no MSG_NOSIGNAL


def _ignore(why: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConnection(Generic[P]):
    """A connection that is to be opened in an asyncio loop.

    Args:
        loop: the running loop.
        endpoint: the address to connect to.
        timeout: milliseconds for everything that it takes, but for waiting until the client is logged in.
        node: the name of the node that is expected there, for the errors.
        protocol: makes the asyncio protocol that the connection's transport calls.
        connecting: has the socket as long as no transport owns it, so that whoever gives the loop up can
            close it.
        held_up: is called with the reason, in words, whenever opening it has to wait for a login.
    """

    loop: asyncio.AbstractEventLoop
    endpoint: Endpoint
    timeout: float
    node: str | None
    protocol: Callable[[], P]
    connecting: set[socket.socket]
    held_up: Callable[[str], None] = _ignore


class Door:
    """Opens the connections of one client, all in the same way.

    Args:
        policy: the client's policy.

    Attributes:
        waits: what waits for servers, but for commands' answers; ended when the client is closed.
        login: has the client's sessions; None if it does not log in.

    Raises:
        InvalidArgument: the files of its TLS can't be used.
        AerospikeError: passwords can't be hashed, as a package is missing.
    """

    __slots__ = ("_contexts", "_policy", "_tls", "login", "waits")

    def __init__(self, policy: ClientPolicy) -> None:
        self._policy = policy
        self._contexts: Contexts | None = None
        if policy.tls is not None:
            with importing:
                from pyspike.cluster.tls import Contexts
            self._contexts = Contexts(policy.tls)
        self._tls = self._contexts if policy.commands_over_tls else None  # of all connections but logins' own
        self.waits = Waits()
        self.login = make_login(policy, self.waits)

    def follow(self, policy: ClientPolicy) -> None:
        """Open connections within the times of another policy from now on."""
        self._policy = policy
        if self.login is not None:
            self.login.follow(policy)

    def after_fork(self) -> None:
        """Start over in a child process, in which nobody waits for a server."""
        self.waits.after_fork()
        if self.login is not None:
            self.login.after_fork()

    def check(self, host: Host) -> None:
        """Refuse a host that has a TLS name without TLS, or none with it.

        Raises:
            InvalidArgument: it has.
        """
        if self._contexts is not None:
            try:
                self._contexts.check(host)
            except TLSError as error:
                raise InvalidArgument(error.message, advice=error.advice) from None
        elif host.tls_name is not None:
            raise InvalidArgument(
                f"{host} has the TLS name {host.tls_name!r}, but there is no TLS",
                advice="give ClientPolicy(tls=...), or leave the name out to connect in plain text",
            )

    @property
    def reach(self) -> float:
        """Milliseconds that it may take to connect to a server and to log in there."""
        return self.longer(self._policy.timeout)

    def longer(self, timeout: float) -> float:
        """A timeout in milliseconds, with the time for a login if there may be one."""
        return timeout if self.login is None else timeout + self.login.timeout

    def connect(
        self, endpoint: Endpoint, timeout: float, node: str | None = None, *, patience: float | None = None
    ) -> Connection:
        """Open a connection for a thread, which waits here until it is ready for commands, and logged in.

        Args:
            endpoint: the address to connect to.
            timeout: milliseconds for everything that it takes, but for waiting until the client is logged in.
            node: the name of the node that is expected there, for the errors.
            patience: milliseconds with that; the same if left out.

        Raises:
            TimeoutError: nobody answered in time.
            ConnectionError: the connection was refused or could not be made.
            SecurityError: the server does not accept the user.
        """
        login = self.login
        if login is None:
            return self._open(endpoint, timeout, node)
        deadline = time.monotonic() + (timeout if patience is None else patience) / 1000
        session = login.session(endpoint) or login.wait(endpoint, None, left_ms(deadline), node)
        while True:
            least = max(min(timeout, left_ms(deadline)), 1.0)
            connection = self._authenticated(login, session, endpoint, least, node)
            if connection is not None:
                return connection
            session = login.wait(endpoint, session, left_ms(deadline), node)

    def connect_to_tend(self, endpoint: Endpoint, timeout: float, node: str | None = None) -> Connection:
        """Open a connection on which a server is tended; also logs in there if that is due.

        A login may take as long as the policy's `login_timeout`, in addition.

        Raises:
            TimeoutError, ConnectionError, SecurityError: as from `connect`.
        """
        login = self.login
        if login is None:
            return self._open(endpoint, timeout, node)
        session = login.session(endpoint)
        if session is not None and session.token is not None and not login.is_due(endpoint):
            connection = self._authenticated(login, session, endpoint, timeout, node)
            if connection is not None:
                return connection
            session = None  # the server knows it no more
        try:
            return self._connect_and_log_in(login, endpoint, timeout, node)
        except AerospikeError:
            if session is None or session.token is None:
                raise
            connection = self._authenticated(login, session, endpoint, timeout, node)
            if connection is None:
                raise
            return connection  # the session goes on, and is renewed later

    def _connect_and_log_in(
        self, login: Login, endpoint: Endpoint, timeout: float, node: str | None
    ) -> Connection:
        if self._policy.tls_for_login_only:
            return self._connect_apart(login, endpoint, timeout, node)
        connection = self._open(endpoint, timeout, node)
        try:
            login.log_in(connection, endpoint, node)
        except BaseException:
            connection.close()
            raise
        return connection

    # Logins over TLS, apart from all else -------------------------------------------------------------------

    def _connect_apart(
        self, login: Login, endpoint: Endpoint, timeout: float, node: str | None
    ) -> Connection:
        """Log in over TLS, and show the session on a connection without."""
        self.log_in_apart(login, endpoint, timeout, node)
        session = login.session(endpoint)
        connection = None if session is None else self._authenticated(login, session, endpoint, timeout, node)
        if connection is None:
            told = ", ".join(map(str, endpoint.logins))
            raise ConnectionError(
                f"{endpoint} does not know the session of the login over TLS at {told}",
                node=node,
                advice="see whether both addresses lead to the same node",
            )
        return connection

    def log_in_apart(self, login: Login, endpoint: Endpoint, timeout: float, node: str | None) -> None:
        """Log in at a server by the first of its hosts for that which can be reached over TLS.

        Args:
            login: has the session then.
            endpoint: the server's address for all else.
            timeout: milliseconds that connecting may take for each host; a login's own time comes on top.
            node: the server's name if that is known, for the errors.

        Raises:
            SecurityError: the server does not accept the user.
            AerospikeError: none of them can be reached, or there is none.
        """
        reasons = []
        for place in [each for host in endpoint.logins for each in resolve(host)]:
            try:
                self.connect_to_log_in(place, timeout, node, session_of=endpoint).close()
            except SecurityError:
                raise
            except AerospikeError as error:
                reasons.append(error.message)
                continue
            return
        raise ConnectionError(
            f"no login at {endpoint} over TLS: {'; '.join(reasons) or 'it has told no TLS address'}",
            node=node,
            advice="with TLSPolicy.for_login_only every node needs a TLS port that can be reached",
        )

    def share_login(self, place: Endpoint, endpoint: Endpoint) -> None:
        """Use the session of a login at a TLS address for another address of the same server."""
        if self.login is not None:
            self.login.hand_over(place, endpoint)

    def connect_to_log_in(
        self,
        place: Endpoint,
        timeout: float,
        node: str | None = None,
        *,
        session_of: Endpoint | None = None,
    ) -> Connection:
        """Open a connection over TLS and log in on it.

        Args:
            place: a TLS address of a server.
            timeout: milliseconds that connecting may take.
            node: the server's name if that is known, for the errors.
            session_of: the server's address for all else, which the session is kept for; `place` if left out.

        Raises:
            SecurityError: the server does not accept the user.
            AerospikeError: it can't be reached.
        """
        assert self.login is not None
        connection = self._open(place, timeout, node, apart=True)
        try:
            self.login.log_in(connection, session_of or place, node, place)
        except BaseException:
            connection.close()
            raise
        return connection

    def _authenticated(
        self, login: Login, session: Session, endpoint: Endpoint, timeout: float, node: str | None
    ) -> Connection | None:
        """A connection on which the session was shown; None if the server refused it."""
        deadline = time.monotonic() + timeout / 1000
        connection = self._open(endpoint, timeout, node)
        try:
            accepted = login.authenticate(connection, session, left_ms(deadline))
        except BaseException as error:
            connection.close()
            if isinstance(error, AerospikeError):
                error.node = error.node or node
            raise
        if accepted:
            return connection
        connection.close()
        return None

    def _open(
        self, endpoint: Endpoint, timeout: float, node: str | None = None, *, apart: bool = False
    ) -> Connection:
        """Open a connection for a thread, which waits here until it is ready for commands.

        Args:
            endpoint: the address to connect to.
            timeout: milliseconds for everything that it takes.
            node: the name of the node that is expected there, for the errors.
            apart: whether it is for a login that goes over TLS also where nothing else does.

        Raises:
            TimeoutError: nobody answered in time.
            TLSError: TLS failed.
            ConnectionError: the connection was refused or could not be made.
        """
        stream = None
        tls = self._contexts if apart else self._tls
        with _NewSocket(endpoint, timeout, node) as sock:
            if tls is not None:
                deadline = time.monotonic() + timeout / 1000
            sock.settimeout(max(timeout, 1) / 1000)
            sock.connect(endpoint.sockaddr)
            _set_up(sock)
            if tls is not None:
                stream = tls.shake_hands(sock, endpoint.host, deadline)
            sock.setblocking(True)
        return Connection(sock.detach(), stream)

    async def connect_in_loop(self, wanted: LoopConnection[P]) -> P:
        """Open a connection in the running asyncio loop; it is logged in then.

        Args:
            wanted: the connection. While the client is not logged in, it waits for that, for as long again as
                the policy's `login_timeout`.

        Returns:
            The protocol, connected to its transport.

        Raises:
            TimeoutError, ConnectionError, SecurityError: as from `connect`.
        """
        login = self.login
        if login is None:
            return await self._open_in_loop(wanted, wanted.timeout, wanted.protocol)
        endpoint, node = wanted.endpoint, wanted.node
        deadline = time.monotonic() + (wanted.timeout + login.timeout) / 1000
        refused: Session | None = None
        session = login.session(endpoint)
        while True:
            if session is None:
                wanted.held_up(login.why_late(endpoint, refused, node))
                patience = left_ms(deadline)
                session = await login.wait_in_loop(wanted.loop, endpoint, refused, patience, node)
            left = max(min(wanted.timeout, left_ms(deadline)), 1.0)
            greeting = login.greeting(session)
            if greeting is None:
                return await self._open_in_loop(wanted, left, wanted.protocol)
            until = time.monotonic() + left / 1000
            request: Callable[[], Greeting] = functools.partial(_greeting, wanted.loop, greeting)
            waiting = await self._open_in_loop(wanted, left, request)
            try:
                accepted = login.is_accepted(await waiting.answer(left_ms(until)))
            except BaseException as error:
                waiting.abort()
                if isinstance(error, AerospikeError):
                    error.node = error.node or node
                raise
            if accepted:
                return waiting.hand_over(wanted.protocol())
            waiting.abort()
            refused, session = session, None

    async def _open_in_loop(
        self, wanted: LoopConnection[Any], timeout: float, protocol: Callable[[], P]
    ) -> P:
        """Open a connection in the running asyncio loop, without a login, within `timeout` milliseconds.

        Raises:
            TimeoutError: nobody answered in time.
            TLSError: TLS failed.
            ConnectionError: the connection was refused or could not be made.
        """
        loop, endpoint = wanted.loop, wanted.endpoint
        with _NewSocket(endpoint, timeout, wanted.node) as sock:
            wanted.connecting.add(sock)
            deadline = time.monotonic() + timeout / 1000
            try:
                sock.setblocking(False)
                await _connect_socket(loop, sock, endpoint.sockaddr, timeout)
                _set_up(sock)
                if self._tls is None:
                    _, connected = await loop.create_connection(protocol, sock=sock)
                else:
                    with importing:
                        from pyspike.cluster.tls_in_loop import connect
                    connected = await connect(self._tls, loop, sock, endpoint.host, deadline, protocol)
            finally:
                wanted.connecting.discard(sock)
        return connected


def _greeting(loop: asyncio.AbstractEventLoop, request: bytes) -> Greeting:
    from pyspike.cluster.greeting import (
        Greeting,  # with asyncio, for which a program without tasks need not wait
    )

    return Greeting(loop, request)


async def _connect_socket(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, address: tuple[Any, ...], timeout: float
) -> None:
    """Connect a socket that does not block, within so many milliseconds.

    `loop.sock_connect` would look the address up in a thread (uvloop), and `asyncio.wait_for` would make
    another task of it; both complain when a loop is closed while a connection is being made.
    """
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        ready: asyncio.Future[None] = loop.create_future()
        expiry = loop.call_later(timeout / 1000, _settle, ready, builtins.TimeoutError())
        loop.add_writer(sock, _settle, ready, None)
        try:
            await ready
        finally:
            expiry.cancel()
            if not loop.is_closed():
                loop.remove_writer(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


class _NewSocket:
    """A context manager that makes a socket and gives it to its block to connect it.

    If the block fails, the socket is closed, and a system's error becomes one of those that `connect` raises.
    The socket belongs to this process alone: a child that is forked meanwhile lets go of it.

    No `contextmanager`: an error that passes through its generator may be left to the garbage collector.
    """

    __slots__ = ("_node", "_socket", "_ticket", "_timeout", "_whom")

    def __init__(self, endpoint: Endpoint, timeout: float, node: str | None) -> None:
        self._node = node
        self._whom = f"node {node} at {endpoint}" if node else str(endpoint)
        self._timeout = timeout
        self._socket = socket.socket(endpoint.family, socket.SOCK_STREAM)
        self._ticket = own_socket(self._socket.fileno())

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            return
        disown_socket(self._socket.fileno(), self._ticket)
        self._socket.close()
        if isinstance(error, ConnectionError):  # of the handshake
            message = f"no connection to {self._whom}: {error.message}"
            raise type(error)(message, node=self._node, advice=error.advice) from error.__cause__
        if isinstance(error, builtins.TimeoutError):
            message = f"no connection to {self._whom} within {self._timeout:.0f} ms"
            raise TimeoutError(message, node=self._node) from error
        if isinstance(error, OSError):
            # asyncio replaces the system's words by the address, which the message has already
            words = os.strerror(error.errno) if error.errno else error.strerror or str(error)
            message = f"no connection to {self._whom}: {words.lower()}"
            raise ConnectionError(message, node=self._node) from error


def _set_up(sock: socket.socket) -> None:
    """Set the options of a socket that was just connected.

    Commands are sent at once instead of being collected, and the system finds out if the server vanished.

    Raises:
        ConnectionRefusedError: the socket is connected to itself.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if _NO_SIGPIPE is not None:
        sock.setsockopt(socket.SOL_SOCKET, _NO_SIGPIPE, 1)
    if sock.getsockname() == sock.getpeername():
        # The system chose the port that nobody listens on as this socket's own, so it reached itself.
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
