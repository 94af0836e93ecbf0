"""Where the file is from which a client takes values of policies while it runs."""

from __future__ import annotations

import os
from datetime import timedelta

from pyspike._wire import timeout_ms
from pyspike.errors import InvalidArgument, InvalidType
from pyspike.plain_value import PlainValue, value_class
from pyspike.showing import shown

__all__ = ["CONFIG_VARIABLE", "ConfigProvider"]

CONFIG_VARIABLE = "AEROSPIKE_CLIENT_CONFIG_URL"

SCHEME = "file://"


@value_class(frozen=True, slots=True, repr=False, eq=False)
class ConfigProvider(PlainValue):
    """A YAML file from which a client takes values of policies, and looks for changes of it while it runs.

    A value of the file wins over that of a call's policy, and this over that of the client's. A file that
    can't be read, or has a wrong value, changes nothing and is told to the log `pyspike.config`.

    Args:
        path: of the file, as text, a path, or a URL of the scheme `file`.
        interval: how many milliseconds pass between two looks at the file, or a timedelta; the file's own
            `config_interval` wins over it.

    Raises:
        InvalidType: the path is no path, or the interval no span of time.
        InvalidArgument: the path is empty, or the interval out of range.
    """

    path: str | os.PathLike[str]
    interval: float | timedelta = 60_000

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise InvalidType(f"ConfigProvider.path must be a path, not {shown(self.path)}")
        path = os.fspath(self.path)
        if not isinstance(path, str):
            raise InvalidType(f"ConfigProvider.path must be a path of text, not {shown(path)}")
        if not path.removeprefix(SCHEME):
            raise InvalidArgument("ConfigProvider.path is empty")
        object.__setattr__(self, "path", path.removeprefix(SCHEME))
        interval = timeout_ms(self.interval, "ConfigProvider.interval", least=1)
        object.__setattr__(self, "interval", interval)
