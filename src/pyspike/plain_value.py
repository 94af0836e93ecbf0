"""What dataclasses have in common that are made when pyspike is imported: it need not be generated for each.

To generate and compile a method takes longer than to import all else of a class.
"""

from __future__ import annotations

from dataclasses import Field, FrozenInstanceError, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:
    from dataclasses import dataclass

    def value_class(*, frozen, **options):
        """Makes a dataclass of a `PlainValue`, as `dataclass(frozen=True, repr=False, eq=False, ...)` does.

        Only `__init__` is generated, unless the class has one, or a base that is no dataclass; what refuses
        changes is in `PlainValue`. To type checkers this is `dataclass`.
        """

        def made(kind):
            of = next(each for each in kind.__mro__ if "__init__" in vars(each))
            generated = of is object or "__dataclass_fields__" in vars(of)
            return dataclass(init=generated, **options)(kind)

        return made


__all__ = ["PlainValue", "value_class"]


class PlainValue:
    """Makes of a `value_class` what it would be if all its methods were generated."""

    __slots__ = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    else:  # hidden from type checkers, which know of `frozen`, and would allow any attribute to be set

        def __setattr__(self, name: str, value: object) -> None:
            """Set a field for the first time, as `__init__` does; whoever changes it later is refused."""
            if name not in self.__dataclass_fields__ or hasattr(self, name):
                raise FrozenInstanceError(f"cannot assign to field {name!r}")
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self))

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, each.name) for each in fields(self) if each.hash is not False))

    def __repr__(self) -> str:
        texts = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self)]
        return f"{type(self).__qualname__}({', '.join(texts)})"

    def __getstate__(self) -> object:
        return [getattr(self, each.name) for each in fields(self)]

    def __setstate__(self, state: list[Any]) -> None:
        for each, value in zip(fields(self), state, strict=False):
            object.__setattr__(self, each.name, value)
