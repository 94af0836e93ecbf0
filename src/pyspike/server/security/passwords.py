"""Hashes of passwords, as clients send them.

Owns: making them, which needs the package `bcrypt`, and the two that need no making. A server never sees a
password but that of an external user. Clients hash with a fixed salt, so a password has one hash, and the
server compares what was stored with what is sent.
"""

from __future__ import annotations

from functools import lru_cache
from hmac import compare_digest

from ..protocol.security_codes import PASSWORD_SALT

__all__ = ["ADMIN_HASH", "NO_PASSWORD_HASH", "hash_password", "is_same"]

ADMIN_HASH = PASSWORD_SALT + b"1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa"
"""The hash of "admin"."""
NO_PASSWORD_HASH = PASSWORD_SALT + b"ePA2sZy..tlOF99W2N0g5KZ3dLaw8WO"
"""The hash of "nopassword", which users have that log in by a certificate only."""


@lru_cache(maxsize=64)  # hashing is slow on purpose, and tests have few passwords
def hash_password(password: str) -> bytes:
    """The hash of a password.

    Raises:
        ModuleNotFoundError: `bcrypt` is not installed; the message says how to get it.
        ValueError: the password is longer than 72 bytes.

    """
    if password == "admin":
        return ADMIN_HASH
    try:
        import bcrypt
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "users with passwords need bcrypt; install it with: pip install 'pyspike-aerospike[auth]'",
            name="bcrypt",
        ) from None
    return bcrypt.hashpw(password.encode(), PASSWORD_SALT)


def is_same(stored: bytes, sent: bytes) -> bool:
    """Whether a hash that was sent is the one that is stored."""
    return compare_digest(stored, sent)
