"""The logins of one client: at each server it has a session, whose token new connections show.

The tend thread logs in, on the connection that tending keeps to a server, and anew before a session expires,
or when a server refuses it. Who opens another connection shows the token; if it is refused, it waits for the
new session (tls-and-auth.md 14.5). A connection that is logged in stays so when its session expires.

Messages are made and read in `security_messages`. Which connections are opened when is decided by `connect`
and by those who tend.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from pyspike._wire import Connection
from pyspike.cluster import security_messages as messages
from pyspike.cluster.addresses import Endpoint
from pyspike.cluster.passwords import hashed
from pyspike.cluster.waits import Waits
from pyspike.errors import SecurityError, ServerError, TimeoutError, from_code
from pyspike.policy import AuthMode, ClientPolicy
from pyspike.result_code import ResultCode

if TYPE_CHECKING:
    import asyncio

__all__ = ["Login", "Session", "make_login"]

log = logging.getLogger("pyspike.cluster")

MARGIN = 60  # seconds before a session expires at which it is renewed
SETTLING = 2.0  # seconds within which all servers have been told of another password

# The codes by which a server says that it does not know a session, or its user, any more.
REFUSED = frozenset(
    {
        ResultCode.INVALID_USER,
        ResultCode.INVALID_CREDENTIAL,
        ResultCode.EXPIRED_SESSION,
        ResultCode.NOT_AUTHENTICATED,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A login at one server.

    Args:
        token: what new connections show; None if they need not, as the server's security is off.
        renew_at: when to log in again, in `time.monotonic()`'s time; infinity for never.
    """

    token: bytes | None = field(repr=False)
    renew_at: float


@dataclass(frozen=True, slots=True, eq=False)
class _Refusal:
    """Why a server did not accept the last login, and how long nobody tries again."""

    code: ResultCode
    until: float


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What the client logs in with; never shown."""

    hashed: bytes | None = field(repr=False)
    clear: str | None = field(repr=False)


Outcome = Session | _Refusal


def make_login(policy: ClientPolicy, waits: Waits) -> Login | None:
    """What logs a client of this policy in; None if it does not log in.

    Args:
        policy: the client's policy.
        waits: what ends logins that are under way when the client is closed.

    Raises:
        AerospikeError: the package that hashes passwords is missing.
    """
    return Login(policy, waits) if policy.logs_in else None


class Login:
    """Logs one client in at its servers, and keeps its sessions.

    Args:
        policy: who logs in, and how.

    Attributes:
        user: the user's name; None with a certificate.
        needed: is called when a server has to be logged in at, to have the tend thread do it.
        tending: the thread that does a round of tending at the moment; it waits for no login.
    """

    def __init__(self, policy: ClientPolicy, waits: Waits) -> None:
        self.user = policy.user
        self.needed: Callable[[], None] = lambda: None
        self.tending: int | None
        self._waits = waits
        self._timeout = policy.login_timeout
        self._pause = policy.tend_interval / 2000  # so that each round of tending may try again
        self._settled_at = 0.0  # from when on a password that is refused is wrong
        self._warned = False  # of sessions that are too short
        self._external = policy.auth_mode in (AuthMode.EXTERNAL, AuthMode.EXTERNAL_INSECURE)
        password = policy.password
        # The first is shown. There are two while nobody knows whether the servers took another password.
        self._credentials: tuple[_Credentials, ...] = (
            _Credentials(
                None if password is None else hashed(password), password if self._external else None
            ),
        )
        self._refused_in_turn = 0  # of these, by servers that had time to be told of a password
        # Replaced whole, as a forked child reads them.
        self._sessions: dict[Endpoint, Session] = {}
        self._refusals: dict[Endpoint, _Refusal] = {}
        self._put_off: dict[Endpoint, float] = {}  # until when a login that failed is not tried again
        self.after_fork()

    def follow(self, policy: ClientPolicy) -> None:
        """Log in within the times of another policy from now on."""
        self._timeout = policy.login_timeout
        self._pause = policy.tend_interval / 2000

    def after_fork(self) -> None:
        """Start over in a child process: the sessions go on, but nobody waits for one."""
        self.tending = None
        self._lock = threading.Lock()
        self._waiting: dict[Endpoint, list[Callable[[Outcome], object]]] = {}

    def own_passwords(self, user: str) -> list[bytes]:
        """The hash of this client's password, or of both while either may hold; none of another user."""
        return [each.hashed for each in self._credentials if user == self.user and each.hashed is not None]

    def password_changes(self) -> None:
        """Take no refusal for the last word for a while: a server may know the other password."""
        self._settled_at = monotonic() + SETTLING

    def password_changed(self, password: str, hash_of_it: bytes, *, in_doubt: bool = False) -> None:
        """Log in with another password from now on.

        Args:
            password: the password.
            hash_of_it: its hash.
            in_doubt: whether the servers may still have the one before. Then whichever they accept is used.
        """
        self.password_changes()
        new = _Credentials(hash_of_it, password if self._external else None)
        with self._lock:
            old = tuple(each for each in self._credentials if each.hashed != hash_of_it) if in_doubt else ()
            self._credentials = (new, *old)
            self._refused_in_turn = 0

    # The tend thread ----------------------------------------------------------------------------------------

    @property
    def timeout(self) -> float:
        """Milliseconds that a login may take."""
        return self._timeout

    def is_due(self, endpoint: Endpoint) -> bool:
        """Whether to log in at a server now: it has no session or that expires soon, and none just failed."""
        now = monotonic()
        session = self._sessions.get(endpoint)
        if session is not None:
            return now >= session.renew_at and now >= self._put_off.get(endpoint, now)
        refusal = self._refusals.get(endpoint)
        return refusal is None or now >= refusal.until

    def log_in(
        self,
        connection: Connection,
        endpoint: Endpoint,
        node: str | None = None,
        at: Endpoint | None = None,
    ) -> None:
        """Log in at a server; the connection is logged in then, and all that wait for a session are told.

        Args:
            connection: one to the server, in an unknown state if this raises.
            endpoint: the server's address.
            node: its name if that is known, for the errors.
            at: where the connection leads to, if logins have an address of their own.

        Raises:
            SecurityError: the server does not accept the user.
            AerospikeError: there was no answer in time, or none that could be one.
        """
        at = at or endpoint
        refusal = self._refusals.get(endpoint)
        if refusal is not None and monotonic() < refusal.until:  # just asked
            raise self._refused(refusal, at, node)
        given = self._credentials[0]
        request = messages.login(self.user, given.hashed, given.clear)
        try:
            grant = messages.read_grant(self._asked(connection, request))
        except SecurityError as error:
            refusal = _Refusal(error.result_code, monotonic() + self._pause)
            if error.result_code == ResultCode.INVALID_CREDENTIAL and self._may_hold_later(given):
                self.needed()  # who waits for a session goes on waiting
            else:
                self._keep(endpoint, refusal)
            raise self._refused(refusal, at, node) from None
        except TimeoutError as error:
            raise TimeoutError(
                f"no answer to the login at {_place(at, node)} within {self._timeout:g} ms",
                node=node,
                advice="raise ClientPolicy.login_timeout, or see why the server is slow",
            ) from error
        finally:
            with self._lock:  # what succeeds needs no other try for long
                self._put_off = {**self._put_off, endpoint: monotonic() + self._pause}
        self._accepted(given)
        if grant.seconds is None or grant.token is None:
            renew_at = float("inf")
        elif grant.seconds <= MARGIN:
            renew_at = float("inf")
            with self._lock:
                warned, self._warned = self._warned, True
            log.log(
                logging.DEBUG if warned else logging.WARNING,
                "sessions at %s last for %d s, too short to be renewed: each is used until it is refused",
                _place(at, node),
                grant.seconds,
            )
        else:
            renew_at = monotonic() + grant.seconds - MARGIN
        log.debug("logged in at %s", _place(at, node))
        self._keep(endpoint, Session(grant.token, renew_at))

    def _asked(self, connection: Connection, request: bytes) -> bytes:
        """The answer to a login."""
        with self._waits.on(connection):
            return connection.exchange(request, self._timeout)

    def _may_hold_later(self, given: _Credentials) -> bool:
        """Whether to go on after a server refused the password. If there is another, it is shown next."""
        with self._lock:
            if self._credentials[0] is given:
                self._credentials = (*self._credentials[1:], given)
                self._refused_in_turn += monotonic() >= self._settled_at
            return monotonic() < self._settled_at or self._refused_in_turn < len(self._credentials)

    def _accepted(self, given: _Credentials) -> None:
        """Forget the other password, if the servers had time to be told which one holds."""
        with self._lock:
            self._refused_in_turn = 0
            if given in self._credentials and monotonic() >= self._settled_at:
                self._credentials = (given,)

    def _keep(self, endpoint: Endpoint, outcome: Session | _Refusal) -> None:
        """Keep what came of a login, and tell those who wait for it."""
        with self._lock:
            sessions, refusals = dict(self._sessions), dict(self._refusals)
            if isinstance(outcome, Session):
                sessions[endpoint] = outcome
                refusals.pop(endpoint, None)
            elif (old := sessions.get(endpoint)) is None or monotonic() >= old.renew_at + MARGIN:
                sessions.pop(endpoint, None)
                refusals[endpoint] = outcome
            self._sessions, self._refusals = sessions, refusals
            waiting = self._waiting.pop(endpoint, [])
        for tell in waiting:
            tell(outcome)

    def _refused(self, refusal: _Refusal, endpoint: Endpoint, node: str | None = None) -> ServerError:
        who = "the client's certificate" if self.user is None else f"user {self.user!r}"
        meaning = refusal.code.meaning
        return from_code(
            refusal.code, f"the login of {who} at {_place(endpoint, node)}: {meaning}", node=node
        )

    def hand_over(self, at: Endpoint, endpoint: Endpoint) -> None:
        """Have the session of a login at one address for another one of the same server too."""
        session = self._sessions.get(at)
        if session is not None:
            self._keep(endpoint, session)

    def keep_only(self, endpoints: set[Endpoint]) -> None:
        """Forget the sessions at all other servers."""
        if {*self._sessions, *self._refusals, *self._put_off} <= endpoints:
            return
        with self._lock:
            self._put_off = {each: until for each, until in self._put_off.items() if each in endpoints}
            self._sessions = {each: kept for each, kept in self._sessions.items() if each in endpoints}
            self._refusals = {each: kept for each, kept in self._refusals.items() if each in endpoints}

    # Other connections --------------------------------------------------------------------------------------

    def session(self, endpoint: Endpoint) -> Session | None:
        """The session at a server; None if there is none."""
        return self._sessions.get(endpoint)

    def greeting(self, session: Session) -> bytes | None:
        """The first request on a new connection; None if it needs none."""
        return None if session.token is None else messages.authenticate(self.user, session.token)

    def is_accepted(self, answer: bytes) -> bool:
        """Whether the server's answer to the greeting lets the connection in; if not, it refuses the session.

        Raises:
            ServerError: it refuses the connection for another reason.
            ProtocolError: that is no answer.
        """
        try:
            messages.check(answer)
        except ServerError as error:
            if error.result_code == ResultCode.SECURITY_NOT_ENABLED:
                return True
            if error.result_code in REFUSED:
                return False
            raise
        return True

    def authenticate(self, connection: Connection, session: Session, timeout: float) -> bool:
        """Show the session's token on a new connection; whether the server accepts it.

        Args:
            connection: the connection, closed if this raises.
            session: the session at its server.
            timeout: how long it may take in milliseconds.

        Raises:
            AerospikeError: as from `is_accepted`, or there was no answer in time.
        """
        greeting = self.greeting(session)
        return greeting is None or self.is_accepted(connection.exchange(greeting, max(timeout, 1.0)))

    def wait(
        self, endpoint: Endpoint, refused: Session | None, timeout: float, node: str | None = None
    ) -> Session:
        """Wait for a session at a server.

        Args:
            endpoint: the server's address.
            refused: the one that the server refused; None if there was none.
            timeout: how long to wait in milliseconds.
            node: the server's name, for the errors.

        Raises:
            SecurityError: the server does not accept the user.
            TimeoutError: it took too long.
        """
        told: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._ask(endpoint, refused, told.put)
        waits = not told.empty() or threading.get_ident() != self.tending
        timeout = max(timeout, 0.0) if waits else 0.0
        try:
            outcome = told.get(timeout=timeout / 1000) if timeout > 0 else told.get_nowait()
        except queue.Empty:
            raise self._late(endpoint, refused, timeout, node) from None
        finally:
            self._forget(endpoint, told.put)
        if isinstance(outcome, Session):
            return outcome
        raise self._refused(outcome, endpoint, node)

    async def wait_in_loop(
        self,
        loop: asyncio.AbstractEventLoop,
        endpoint: Endpoint,
        refused: Session | None,
        timeout: float,
        node: str | None,
    ) -> Session:
        """The same for a task of the running loop."""
        told: asyncio.Future[Outcome | None] = loop.create_future()

        def settle(outcome: Outcome | None) -> None:
            if not told.done():
                told.set_result(outcome)

        def tell(outcome: Outcome) -> None:
            try:
                loop.call_soon_threadsafe(settle, outcome)
            except RuntimeError:  # the loop is closed
                log.debug("a loop was closed while it waited for a login")

        expiry = loop.call_later(max(timeout, 0.0) / 1000, settle, None)
        try:
            self._ask(endpoint, refused, tell)
            outcome = await told
        finally:
            expiry.cancel()
            self._forget(endpoint, tell)
        if outcome is None:
            raise self._late(endpoint, refused, timeout, node)
        if isinstance(outcome, Session):
            return outcome
        raise self._refused(outcome, endpoint, node)

    def _ask(self, endpoint: Endpoint, refused: Session | None, tell: Callable[[Outcome], object]) -> None:
        """Have `tell` called with the next outcome of a login; at once if there is one to go by."""
        outcome: Outcome | None = None
        with self._lock:
            session = self._sessions.get(endpoint)
            if session is not None and session is not refused:
                outcome = session
            else:
                if session is not None:
                    self._sessions = {each: kept for each, kept in self._sessions.items() if each != endpoint}
                refusal = self._refusals.get(endpoint)
                if refusal is not None and monotonic() < refusal.until:
                    outcome = refusal
                else:
                    self._waiting.setdefault(endpoint, []).append(tell)
        if outcome is not None:
            tell(outcome)
        else:
            self.needed()

    def _forget(self, endpoint: Endpoint, tell: Callable[[Outcome], object]) -> None:
        with self._lock:
            if (waiting := self._waiting.get(endpoint)) and tell in waiting:
                waiting.remove(tell)

    def why_late(self, endpoint: Endpoint, refused: Session | None, node: str | None) -> str:
        """Why a connection to a server waits for a session, in words: see `wait`."""
        place = _place(endpoint, node)
        if refused is None:
            return f"not logged in at {place}"
        return f"not logged in at {place}, which has refused the session of the last login"

    def _late(
        self, endpoint: Endpoint, refused: Session | None, timeout: float, node: str | None
    ) -> TimeoutError:
        why = self.why_late(endpoint, refused, node)
        return TimeoutError(
            f"{why}, and no new login was done within {timeout:.0f} ms"
            if timeout > 0
            else f"{why}, and no time was left for a new login",
            node=node,
            advice="raise the timeout, or see in client.stats() why the client can't log in",
        )

    def __repr__(self) -> str:
        return f"<Login of {self.user or 'a certificate'}, {len(self._sessions)} sessions>"


def _place(endpoint: Endpoint, node: str | None) -> str:
    return f"node {node} at {endpoint}" if node else str(endpoint)
