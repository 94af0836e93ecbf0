"""Keys of records: the official client's tuples, and pyspike's `Key`."""

from __future__ import annotations

import hashlib
from typing import Any

from pyspike import Key, KeyLike, RawParticle
from pyspike._wire import PARTICLE_STRING, PARTITIONS
from pyspike.compat.model.exceptions import param_error
from pyspike.compat.switches import SWITCHES

__all__ = ["digest_of", "key_of", "partition_of"]

MIN_INT64 = 2**63  # less 1 is the greatest


def key_of(key: Any) -> KeyLike:
    """The key that a `(namespace, set, key)` or `(namespace, set, None, digest)` tuple stands for.

    It may be a dict too, with the names `ns`, `set`, `key` and `digest`.

    Raises:
        ParamError: it is no such tuple, or a user key that the official client would cut.
    """
    if type(key) is tuple and len(key) == 3:
        namespace, set_name, user_key = key
        kind = type(user_key)
        if (
            type(namespace) is str
            and (type(set_name) is str or set_name is None)
            and (
                (kind is int and -MIN_INT64 <= user_key < MIN_INT64) or (kind is str and "\0" not in user_key)
            )
        ):
            return key
    return _other(key)


def _other(key: Any) -> Key:
    if isinstance(key, dict):
        key = tuple(key.get(name) for name in ("ns", "set", "key", "digest"))
    if not isinstance(key, tuple):
        raise param_error("key is invalid")
    if not 3 <= len(key) <= 4:
        raise param_error("key tuple must be (Namespace, Set, Key) or (Namespace, Set, None, Digest)")
    namespace, set_name, user_key, *rest = key
    if not isinstance(namespace, str):
        raise param_error("namespace must be a string")
    if not isinstance(set_name, str | None):
        raise param_error("set must be a string")
    if user_key is not None:
        return user_key_of(namespace, set_name, user_key)
    if not rest or rest[0] is None:
        raise param_error("either key or digest is required")
    if not isinstance(rest[0], bytearray):
        raise param_error("digest is invalid. expected a bytearray")
    return Key.from_digest(namespace, set_name, bytes(rest[0]))


def user_key_of(namespace: str, set_name: str | None, user_key: Any) -> Key:
    """The key with this user key."""
    if isinstance(user_key, int):  # a bool too: True is 1
        if not -MIN_INT64 <= user_key < MIN_INT64:
            raise param_error("integer value for KEY exceeds sys.maxsize")
        return Key(namespace, set_name, int(user_key))
    if isinstance(user_key, str):
        return Key(namespace, set_name, _uncut(user_key))
    if isinstance(user_key, bytearray):
        return Key(namespace, set_name, bytes(user_key))
    if isinstance(user_key, bytes):
        return _bytes_key(namespace, set_name, user_key)
    raise param_error("key is invalid")


def _uncut(user_key: str) -> str:
    text, nul, _ = user_key.partition("\0")
    if nul and not SWITCHES.nul_in_keys:
        raise param_error(
            "the key has a NUL, where the official client would cut it; "
            "pyspike.compat.legacy(nul_in_keys=True) does so too"
        )
    return text


def _bytes_key(namespace: str, set_name: str | None, user_key: bytes) -> Key:
    if not SWITCHES.bytes_keys:
        raise param_error(
            "the key is bytes, which the official client hashes as a string up to the first NUL; give a str "
            "or, to have it hashed as bytes, a bytearray; pyspike.compat.legacy(bytes_keys=True) does as the "
            "official client"
        )
    data = user_key.partition(b"\0")[0]
    try:
        return Key(namespace, set_name, data.decode())
    except UnicodeDecodeError:
        return Key.from_digest(
            namespace, set_name, _string_digest(set_name, data), RawParticle(PARTICLE_STRING, data)
        )


def _string_digest(set_name: str | None, data: bytes) -> bytes:
    """The digest of a string key whose bytes are no UTF-8."""
    try:
        hashed = hashlib.new("ripemd160", usedforsecurity=False)
    except ValueError:
        raise param_error("the key is no UTF-8, and this Python has no RIPEMD-160 to hash it with") from None
    hashed.update((set_name or "").encode() + bytes([PARTICLE_STRING]) + data)
    return hashed.digest()


def digest_of(namespace: Any, set_name: Any, user_key: Any) -> bytearray:
    """The digest of a key, for `aerospike.calc_digest`.

    Raises:
        TypeError: an argument is of the wrong type.
    """
    if not isinstance(namespace, str):
        raise TypeError("Namespace should be a string")
    if not isinstance(set_name, str):
        raise TypeError("Set should be a string or unicode")
    if not isinstance(user_key, int | str | bytearray):
        raise TypeError("Key is invalid")
    return bytearray(user_key_of(namespace, set_name, user_key).digest)


def partition_of(digest: str | bytearray | bytes) -> int:
    """The partition of a digest, for `aerospike.get_partition_id`."""
    data = digest.encode() if isinstance(digest, str) else bytes(digest)
    return (data[0] | data[1] << 8) % PARTITIONS
