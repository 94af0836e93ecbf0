"""What a load makes of rows, and what came of them, of whichever format the files are."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyspike import BatchPolicy, BatchWritePolicy, RowFailure
from pyspike.cli.failures import NotWritten, error_to_json
from pyspike.cli.output import complain

__all__ = ["BATCH_POLICY", "Done", "Mapping"]

BATCH_POLICY = BatchPolicy(total_timeout=60_000, max_retries=5)
"""To write a row twice does no harm, so what was not answered is sent again."""


class Mapping(NamedTuple):
    """What becomes of which column; None where nobody has said it."""

    namespace: str
    set_name: str | None
    key: str | None
    digest: str | None
    bins: dict[str, str] | None
    json_columns: frozenset[str]
    ttl: int | None
    ttl_column: str | None
    keep_ttl: bool
    send_key: bool

    def row_policy(self) -> BatchWritePolicy:
        """The policy of each row."""
        return BatchWritePolicy(send_key=self.send_key)


class Done:
    """How many rows of all files are done, and the file of those that failed.

    Args:
        path: of that file; None for none.
        most: after how many failures to end; None for any number.

    Attributes:
        moved: the sets of records that have gone to another one without a key, so that they keep digests that
            no key has there.
    """

    def __init__(self, path: Path | None, most: int | None) -> None:
        self._path = path
        self._most = most
        self._lock = threading.Lock()
        self._reasons: dict[tuple[str, int | None], list[Any]] = {}
        self.written = self.skipped = self.failed = 0
        self.moved: set[str] = set()
        self._keys_lost = False

    @property
    def rows(self) -> int:
        """How many rows these are, whatever came of them."""
        return self.written + self.skipped + self.failed

    @property
    def may_go_on(self) -> bool:
        """Whether there are not too many failures."""
        return self._most is None or self.failed <= self._most

    @property
    def left(self) -> int | None:
        """How many more may fail."""
        return None if self._most is None else max(0, self._most - self.failed)

    def count(self, written: int, skipped: int) -> None:
        """Count rows that have not failed."""
        with self._lock:
            self.written += written
            self.skipped += skipped

    def fail(self, path: Path | None, failures: Sequence[RowFailure]) -> None:
        """Count rows that failed, of a file or of none, and write them to the file of failures."""
        with self._lock:
            self.failed += len(failures)
            for row, _, failure in failures:
                where = "" if path is None else f"{path}, row {row}: "
                reason = (type(failure).__name__, failure.result_code)
                self._reasons.setdefault(reason, [0, f"{where}{failure}"])[0] += 1
            if self._path is None or not failures:
                return
            try:
                with self._path.open("a", encoding="utf-8") as out:
                    for row, _, failure in failures:
                        told = {} if path is None else {"file": str(path), "row": row}
                        out.write(json.dumps({**told, "error": error_to_json(failure)}) + "\n")
            except OSError as error:
                raise NotWritten(str(self._path), error.strerror or str(error)) from None

    def lose_keys(self) -> None:
        """Note that there are keys that are not stored again, as only the digests of their rows are taken."""
        self._keys_lost = True

    def tell(self) -> None:
        """Complain of what has not gone as one may think."""
        for count, first in self._reasons.values():
            complain(f"{count} failed, the first one: {first}")
        if self._keys_lost:
            complain(
                "only digests were taken of some rows: the keys in the file are not stored with their records"
            )
        if self.moved:
            sets = ", ".join(sorted(map(repr, self.moved)))
            complain(
                f"records of {sets} whose keys are not stored keep digests "
                "that were made of that set and their key: in another set they can't be found by key"
            )
