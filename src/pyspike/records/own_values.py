"""What a class of pydantic makes of stored values itself, and how it is written."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from pyspike.showing import shown

__all__ = ["own_encoder"]


def own_encoder(config: Any, annotation: Any) -> Callable[[Any], Any]:
    """What makes of values with an annotation what pydantic reads as them again.

    Args:
        config: the `model_config` of the class that has the field.
        annotation: of the field, or of what is in it.
    """

    @functools.cache
    def adapter() -> Any:  # when it is needed, as it takes a while
        return sys.modules["pydantic"].TypeAdapter(annotation, config=config)

    def encode(value: Any) -> Any:
        stored = adapter().dump_python(value, mode="json", by_alias=True, warnings=False)
        found = adapter().validate_python(stored)
        if type(found) is not type(value) or found != value:
            raise ValueError(f"{shown(found)} would come back")
        return stored

    return encode
