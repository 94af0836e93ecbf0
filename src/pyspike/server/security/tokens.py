"""The sessions of a node: tokens that it gave at logins, and until when they hold.

Owns: making, finding and forgetting them. A node knows only its own, as long as it runs.
"""

from __future__ import annotations

import secrets

from .accounts import User

__all__ = ["Tokens"]

_TOKEN_SIZE = 32
_MANY = 1024
"""So many tokens are kept before those that have expired are looked for."""


class Tokens:
    """The tokens of a node. Times are of the cluster's clock, in seconds."""

    __slots__ = ("_ends", "_many")

    def __init__(self) -> None:
        self._ends: dict[bytes, tuple[User, float]] = {}
        self._many = _MANY

    def give(self, user: User, now: float, seconds: float) -> bytes:
        """Make a token with which a user may authenticate for so many seconds."""
        if len(self._ends) >= self._many:
            self._ends = {token: each for token, each in self._ends.items() if now < each[1]}
            self._many = max(_MANY, 2 * len(self._ends))
        token = secrets.token_bytes(_TOKEN_SIZE)
        self._ends[token] = (user, now + seconds)
        return token

    def user_of(self, token: bytes, now: float) -> User | None:
        """The user to whom a token was given; None if it is unknown or has expired."""
        user, ends = self._ends.get(token, (None, 0.0))
        return user if now < ends else None

    def age(self, seconds: float) -> None:
        """Let all tokens expire earlier by so many seconds."""
        self._ends = {token: (user, ends - seconds) for token, (user, ends) in self._ends.items()}

    def forget(self) -> None:
        """Let no token hold any more."""
        self._ends.clear()
