"""`field`: what can be said of a field of a class that records are read into."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, overload

from pyspike._wire import (
    METADATA_DIGEST,
    METADATA_EXPIRATION,
    METADATA_GENERATION,
    METADATA_KEY,
    METADATA_OTHERS,
    METADATA_SET,
    METADATA_TTL,
    METADATA_USER_KEY,
    NO_METADATA,
)
from pyspike.codecs import AnyCodec, Codec
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.showing import shown

__all__ = ["FieldOptions", "field", "options_among", "options_in"]

T = TypeVar("T")

METADATA = {
    "key": METADATA_KEY,
    "user_key": METADATA_USER_KEY,
    "set": METADATA_SET,
    "digest": METADATA_DIGEST,
    "generation": METADATA_GENERATION,
    "ttl": METADATA_TTL,
    "expiration": METADATA_EXPIRATION,
    "others": METADATA_OTHERS,
}
OURS = "pyspike"  # in the metadata of a field of `dataclasses` or attrs


@dataclasses.dataclass(frozen=True, slots=True)
class FieldOptions:
    """What was said of a field.

    Args:
        bin: the name of its bin; None for that of the field.
        metadata: `METADATA_KEY` and so on; `NO_METADATA` of a bin.
        codec: how its values are stored; None for what the client says.
    """

    bin: str | None = None
    metadata: int = NO_METADATA
    codec: AnyCodec | None = None


@overload
def field(
    *,
    bin: str | None = None,
    metadata: str | None = None,
    codec: AnyCodec | None = None,
    default: T,
    **others: Any,
) -> T: ...
@overload
def field(
    *,
    bin: str | None = None,
    metadata: str | None = None,
    codec: AnyCodec | None = None,
    default_factory: Callable[[], T],
    **others: Any,
) -> T: ...
@overload
def field(
    *,
    bin: str | None = None,
    metadata: str | None = None,
    codec: AnyCodec | None = None,
    **others: Any,
) -> Any: ...
def field(
    *,
    bin: str | None = None,  # noqa: A002 - its name in Aerospike
    metadata: str | None = None,
    codec: AnyCodec | None = None,
    **others: Any,
) -> Any:
    """Say of a field which bin it is, what else of a record it is, or how it is stored.

        @dataclass
        class User:
            name: Annotated[str, pyspike.field(bin="n")]
            born: date = pyspike.field(codec=codecs.DATE, default=date(1970, 1, 1))
            generation: int = pyspike.field(metadata="generation", default=0)

    Inside `Annotated` it is for every kind of class. As the value of a field it is for dataclasses only,
    where it is `dataclasses.field` with these arguments too; type checkers take what has no `default` there
    for a field with one.

    Args:
        bin: the name of the bin; the field's own if left out.
        metadata: what the field is instead of a bin, and is not written: "key" (the `Key`), "user_key",
            "set", "digest", "generation", "ttl" (seconds, None for never), or "expiration" (a datetime, None
            for never). "others" is a dict of the bins that have no field of their own, and is written.
        codec: how its values are stored, whatever codecs the client has.
        others: those of `dataclasses.field`: `default`, `default_factory`, `kw_only` and so on.

    Raises:
        InvalidType, InvalidArgument: an argument can't be used.
    """
    if bin is not None and not isinstance(bin, str):
        raise InvalidType(f"bin must be a str, not {shown(bin)}")
    if bin == "":
        raise InvalidArgument("bin is empty: leave it out for the field's own name")
    if codec is not None and not isinstance(codec, Codec):
        raise InvalidType(f"codec must be a Codec, not {shown(codec)}")
    if metadata is not None and metadata not in METADATA:
        raise InvalidArgument(f"metadata must be one of {', '.join(METADATA)}, not {shown(metadata)}")
    if metadata is not None and not (bin is None and codec is None):
        raise InvalidArgument(f"a field that is the record's {metadata} has no bin and no codec")
    options = FieldOptions(bin, NO_METADATA if metadata is None else METADATA[metadata], codec)
    return dataclasses.field(metadata={OURS: options}, **others)


def options_in(metadata: Any) -> FieldOptions | None:
    """What the metadata of a field of `dataclasses` or attrs says."""
    found = metadata.get(OURS)
    return found if isinstance(found, FieldOptions) else None


def options_among(extras: tuple[Any, ...]) -> FieldOptions | None:
    """What one of the extras of an `Annotated` says."""
    for each in extras:
        if isinstance(each, dataclasses.Field) and (found := options_in(each.metadata)) is not None:
            return found
    return None
