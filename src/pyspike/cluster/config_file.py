"""The file from which a client takes values of policies: where it is, reading it, and seeing that it changed.

What it says is in `pyspike.policy.dynamic`. Whatever is wrong with a file is told to the log, once, and
changes nothing: a client must not fail because somebody has edited a file.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Mapping
from typing import Any

from pyspike.errors import AerospikeError, InvalidArgument, UnsupportedFeature
from pyspike.policy import ClientPolicy, ConfigProvider
from pyspike.policy.config_provider import CONFIG_VARIABLE
from pyspike.policy.dynamic import Config, read_config

__all__ = ["ConfigFile", "config_file"]

log = logging.getLogger("pyspike.config")

# A file is read by the thread that tends the cluster, which has other things to do.
MOST_BYTES = 64 * 1024
MOST_DEPTH = 32  # of lists and mappings in each other
MOST_KEYS = 1000  # of a mapping, with those that it takes from others (`<<`)
WITHOUT_YAML = "a configuration file needs PyYAML: pip install 'pyspike-aerospike[config]'"


class ConfigFile:
    """A file that is followed.

    Args:
        path: of the file.
        interval: milliseconds between two looks at it, if it does not say itself.
        policy: of the client, as the code has it.
    """

    def __init__(self, path: str, interval: float, policy: ClientPolicy) -> None:
        self.path = path
        self.interval = interval
        self._policy = policy
        self._seen: tuple[int, int] | None = None  # the time and size of the file that was read last
        self._told: set[str] = set()
        self._due = 0.0

    def read_first(self) -> Config | None:
        """What the file says; None if it can't be used."""
        config = self._read()
        if config is not None and config.interval is not None:
            self.interval = config.interval
        self._due = time.monotonic() + self.interval / 1000
        return config

    def changed(self) -> Config | None:
        """What the file says, if it is time to look and it has changed and can be used; else None."""
        now = time.monotonic()
        if now < self._due:
            return None
        self._due = now + self.interval / 1000
        return self._read()

    def _read(self) -> Config | None:
        try:
            status = os.stat(self.path)
            if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for who writes to it
                raise OSError("it is no regular file")
            if status.st_size > MOST_BYTES:
                raise OSError(f"it has {status.st_size} bytes, more than {MOST_BYTES}")
            seen = status.st_mtime_ns, status.st_size
            if seen == self._seen:
                return None
            with open(self.path, encoding="utf-8") as file:
                text = file.read(MOST_BYTES)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            self._seen = None  # when it is back, it is read whatever its time
            self._tell(logging.ERROR, f"can't be read: {error}")
            return None
        self._seen = seen
        self._told = {each for each in self._told if not each.startswith("can't be")}
        try:
            config = read_config(_parsed(text), self._policy)
        except AerospikeError as error:
            self._tell(logging.ERROR, f"can't be used, and changes nothing: {error.message}")
            return None
        for note in config.notes:
            self._tell(logging.INFO, note)
        return config

    def _tell(self, level: int, text: str) -> None:
        """Say something of the file, if that was not said before."""
        if text not in self._told:
            self._told.add(text)
            log.log(level, "%s %s", self.path, text)


def _parsed(text: str) -> object:
    """What is in a YAML file.

    Raises:
        InvalidArgument: it is no YAML, or so large or deep that reading it would take long.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise InvalidArgument(f"it is nested more than {MOST_DEPTH} deep")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > MOST_KEYS:
                raise InvalidArgument(f"it has a mapping of more than {MOST_KEYS} keys")

    try:
        return yaml.load(text, Loader)
    except InvalidArgument:
        raise
    except Exception as error:  # a value that is not of its tag, as in `!!bool maybe`, fails as it happens to
        words = str(error) if isinstance(error, (yaml.YAMLError, ValueError, RecursionError)) else repr(error)
        raise InvalidArgument(f"it is no YAML: {' '.join(words.split())}") from None


def config_file(policy: ClientPolicy, environment: Mapping[str, Any] = os.environ) -> ConfigFile | None:
    """The file that a client follows: that of the environment, or else that of its policy; None without one.

    Raises:
        InvalidArgument: it is to be looked at more often than the cluster.
        UnsupportedFeature: the policy names one, and PyYAML is not installed.
    """
    provider = policy.config_provider
    url = environment.get(CONFIG_VARIABLE)
    if url:
        chosen = ConfigProvider(url) if provider is None else ConfigProvider(url, provider.interval)
    elif provider is not None:
        chosen = provider
    else:
        return None
    interval = float(chosen.interval)  # type: ignore[arg-type]
    if provider is not None and interval < policy.tend_interval:
        raise InvalidArgument(
            f"the file's interval is {interval:g} ms, shorter than tend_interval, which is "
            f"{policy.tend_interval:g} ms",
            advice="it is looked at while the cluster is tended",
        )
    try:
        import yaml  # noqa: F401 - whether it is there
    except ImportError:
        if provider is not None:
            raise UnsupportedFeature(WITHOUT_YAML) from None
        log.error("%s names %s, but %s", CONFIG_VARIABLE, url, WITHOUT_YAML)
        return None
    return ConfigFile(os.fspath(chosen.path), interval, policy)
