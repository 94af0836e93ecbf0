"""Keys of records in CSV, which does not tell whether they are text, numbers or bytes: their digests do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from pyspike import Key
from pyspike.columnar.json_values import from_text

__all__ = ["digest_keys"]

INTEGER = re.compile("-?[0-9]{1,19}")


def digest_keys(
    key: str, digest: str, set_column: str, set_name: str | None, lost: Callable[[], None]
) -> Callable[[Any, int], list[Any]]:
    """What reads the keys of batches of rows, each None where there is none, or none with the row's digest.

    Args:
        key: the column with their text.
        digest: the column with the digests.
        set_column: the column with the sets that digests were made of, if there is one.
        set_name: the set where there is none.
        lost: is called where a row has a text that is of no such key.
    """

    def keys_of(batch: Any, first: int) -> list[Any]:
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        sets = columns[set_column].to_pylist() if set_column in columns else [set_name] * len(batch)
        texts, digests = columns[key].to_pylist(), columns[digest].to_pylist()
        keys = [
            None if text is None else _key_of(text, wanted, of)
            for text, wanted, of in zip(texts, digests, sets, strict=True)
        ]
        if sum(each is None for each in keys) > columns[key].null_count:
            lost()
        return keys

    return keys_of


def _key_of(text: str, digest: bytes | None, set_name: str | None) -> int | str | bytes | None:
    """The key with a digest whose text this may be; None if none has it."""
    for key in _meant(text):
        with contextlib.suppress(ValueError, TypeError):
            if Key("any", set_name or None, key).digest == digest:
                return key
    return None


def _meant(text: str) -> Iterator[int | str | bytes]:
    """What a text may stand for."""
    if INTEGER.fullmatch(text):
        yield int(text)
    yield text
    with contextlib.suppress(ValueError):
        yield bytes.fromhex(text)
    with contextlib.suppress(ValueError):  # where keys are of several types, they are JSON
        value = from_text(text)
        if type(value) in (int, str, bytes):
            yield value  # type: ignore[misc]
