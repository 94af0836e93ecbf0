"""Many small cases as one test: pytest's own work for a test takes longer than each of them does."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["all_of"]

SHOWN = 5  # failures that are told whole; of the others only the names
Test = Callable[..., None]


def all_of(names: str, values: Iterable[Any], ids: Callable[[Any], str] = repr) -> Callable[[Test], Test]:
    """Runs the test with each of `values`, all in one, and then fails with the names of those that failed.

    Else it is used as `pytest.mark.parametrize`, also several times on one test. `names` are the parameters
    that a value is given as: with more than one, separated by commas, a value is a tuple.
    """
    parameters = [name.strip() for name in names.split(",")]
    cases = list(values)

    def decorated(test: Test) -> Test:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            failed: list[tuple[str, Exception]] = []
            for value in cases:
                arguments = dict(zip(parameters, value if len(parameters) > 1 else [value], strict=True))
                try:
                    test(**arguments, **fixtures)
                except Exception as error:
                    failed.append((ids(value), error))
            if failed:
                raise AssertionError(told(failed, len(cases))) from failed[0][1]

        signature = inspect.signature(test)
        rest = [each for name, each in signature.parameters.items() if name not in parameters]
        run.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return run

    assert cases, "no cases"
    return decorated


def told(failed: list[tuple[str, Exception]], total: int) -> str:
    shown = [f"{name}:\n{''.join(traceback.format_exception(error))}" for name, error in failed[:SHOWN]]
    names = ", ".join(name for name, _ in failed)
    return "\n".join([f"{len(failed)} of {total} failed: {names}", *shown])
