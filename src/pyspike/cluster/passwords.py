"""The hashes of passwords, which are sent in their place (admin-and-info.md 9.1).

They are made by the package bcrypt, which is optional.
"""

from __future__ import annotations

from pyspike.errors import AerospikeError

__all__ = ["NO_PASSWORD", "hashed"]

SALT = b"$2a$10$7EqJtq98hPqEX7fNZaFWoO"  # the same for all users: the server compares the hashes

NO_PASSWORD = SALT + b"ePA2sZy..tlOF99W2N0g5KZ3dLaw8WO"
"""The hash of "nopassword", by which servers from 8.1 on mark a user who logs in by a certificate only."""


def hashed(password: str) -> bytes:
    """The hash of a password; takes a while (some 50 ms), as it is to be hard to guess.

    Raises:
        AerospikeError: bcrypt is not installed.
    """
    try:
        import bcrypt
    except ImportError:
        raise AerospikeError(
            "passwords are hashed by the package bcrypt, which is not installed",
            advice="pip install 'pyspike-aerospike[auth]'",
        ) from None
    return bcrypt.hashpw(password.encode(), SALT)
