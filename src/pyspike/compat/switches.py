"""Where this package is stricter than the official client, and how to have it as it is there.

    import pyspike.compat

    pyspike.compat.legacy(bytes_keys=True)

What the official client loses without a word is an error here. A switch is for programs that depend on the
old way, and for data that was written so; it holds for the whole process.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["SWITCHES", "Switches", "legacy"]


@dataclass(slots=True)
class Switches:
    """What is as the official client has it; see `legacy`."""

    bytes_keys: bool = False
    nul_in_keys: bool = False
    map_keys: bool = False
    unknown_keys: bool = False


SWITCHES = Switches()


def legacy(
    *,
    bytes_keys: bool | None = None,
    nul_in_keys: bool | None = None,
    map_keys: bool | None = None,
    unknown_keys: bool | None = None,
) -> None:
    """Have something as the official client has it, or not any more; None leaves it as it is.

    Args:
        bytes_keys: a record's key that is `bytes` is hashed as a string, and ends at its first NUL. So bytes
            that differ behind a NUL only are one record, and one with the `str` of the same bytes. Else such
            a key is a ParamError: a `str` has the same hash as with the official client, and a `bytearray`
            is hashed as bytes by both.
        nul_in_keys: a record's key that is a `str` ends at its first NUL. Else such a key is a ParamError.
        map_keys: entries of a map whose keys are no int, str or bytes are left out when it is written. Else
            such a map is a ParamError.
        unknown_keys: keys of configurations, policies and metadata that the client does not know are
            ignored, unless the configuration has `validate_keys`. Else they are a ParamError.
    """
    given = {
        "bytes_keys": bytes_keys,
        "nul_in_keys": nul_in_keys,
        "map_keys": map_keys,
        "unknown_keys": unknown_keys,
    }
    for field in fields(SWITCHES):
        value = given[field.name]
        if value is not None:
            setattr(SWITCHES, field.name, bool(value))
