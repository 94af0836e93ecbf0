"""`pytest.raises` for scenarios in processes of their own: pytest takes longer to import than they to run."""

from __future__ import annotations

import re
from types import TracebackType

__all__ = ["raises"]


class raises:  # noqa: N801 - as pytest has it
    """A block has to raise an error of this kind, with words that `match` is found in; it is `value` then."""

    def __init__(self, kind: type[BaseException], match: str = "") -> None:
        self.kind, self.match = kind, match
        self.value: BaseException

    def __enter__(self) -> raises:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        assert error is not None, f"no {self.kind.__name__} was raised"
        if not isinstance(error, self.kind):
            return False
        assert re.search(self.match, str(error)), f"{error} has no {self.match!r}"
        self.value = error
        return True
