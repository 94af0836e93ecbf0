"""What all methods of the official classes have in common: how they fail.

`method` turns errors of pyspike into the official exceptions, and says of wrong arguments what the official
client says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar

from pyspike import errors
from pyspike.compat.model.exceptions import from_pyspike

__all__ = ["function", "method", "methods_of"]

F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K", bound=type)

# Arguments that exceptions have as attributes, by the names of the attributes.
TOLD = {"key": "key", "bin": "bin", "bins": "bin", "name": "name", "module": "module", "function": "func"}


def method(made: F) -> F:
    """Makes a method of it that fails as the official ones do."""
    return _failing(made, 1)


def function(made: F) -> F:
    """Makes a function of it that fails as the official ones do."""
    return _failing(made, 0)


def _failing(made: F, bound: int) -> F:
    """Makes a function of it that fails as the official ones do; so many arguments are not the caller's."""
    signature = inspect.signature(made)

    @wraps(made)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return made(*args, **named)
        except errors.AerospikeError as error:
            _raise(error, signature, args, named)
        except TypeError as error:
            trace = error.__traceback__
            if trace is not None and trace.tb_next is None:  # the call itself failed, nothing inside
                raise _misfit(made.__name__, signature, args[bound:], named, bound) or error from None
            raise

    return call  # type: ignore[return-value]


def methods_of(kind: K) -> K:
    """A class decorator: its methods name it as `__objclass__`, as those of compiled classes do."""
    for each in kind.__mro__:
        for value in vars(each).values():
            if inspect.isfunction(value):
                value.__objclass__ = kind  # type: ignore[attr-defined]
    return kind


def _raise(
    error: errors.AerospikeError, signature: inspect.Signature, args: tuple[Any, ...], named: dict[str, Any]
) -> NoReturn:
    given = signature.bind(*args, **named).arguments
    told = {attribute: given[name] for name, attribute in TOLD.items() if name in given}
    if isinstance(error, errors.BatchError):
        told = {}
    raise from_pyspike(error, **told) from error


def _misfit(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], named: dict[str, Any], bound: int
) -> TypeError | None:
    """What the official client says of arguments that do not fit; None where Python's words will do."""
    parameters = list(signature.parameters.values())[bound:]
    count = len(args) + len(named)
    if count > len(parameters):
        plural = "s" if len(parameters) != 1 else ""
        return TypeError(f"{name}() takes at most {len(parameters)} argument{plural} ({count} given)")
    for place, parameter in enumerate(parameters, 1):
        if place > len(args) and parameter.default is parameter.empty and parameter.name not in named:
            return TypeError(f"{name}() missing required argument '{parameter.name}' (pos {place})")
    return None
