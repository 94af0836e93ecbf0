"""Where messages go that the client logs: pyspike's own, by way of `logging`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from pyspike.compat.facts.constants import number
from pyspike.compat.model.exceptions import param_error

__all__ = ["set_log_handler", "set_log_level"]

LOGGER = logging.getLogger("pyspike")

OFF, ERROR, WARN, INFO, DEBUG, TRACE = (
    number(f"LOG_LEVEL_{name}") for name in ("OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")
)
LEVELS = {
    OFF: logging.CRITICAL + 1,
    ERROR: logging.ERROR,
    WARN: logging.WARNING,
    INFO: logging.INFO,
    DEBUG: logging.DEBUG,
    TRACE: 1,
}


MAX_INT64 = 2**63 - 1


class _Handler(logging.Handler):
    """Passes messages on as the official client does: level, function, file, line, text."""

    def __init__(self, callback: Callable[..., Any] | None) -> None:
        super().__init__()
        self.callback = callback

    def emit(self, record: logging.LogRecord) -> None:
        level = next((ours for ours, theirs in LEVELS.items() if theirs <= record.levelno), DEBUG)
        text = record.getMessage()
        if self.callback is None:
            sys.stdout.write(f"{record.levelname}:{record.process} {text}\n")
        else:
            self.callback(level, record.funcName, record.pathname, record.lineno, text)


def set_log_level(loglevel: Any) -> int:
    """Choose which messages are logged.

    Args:
        loglevel: `LOG_LEVEL_...`.

    Raises:
        ParamError: it is no int.
    """
    if not isinstance(loglevel, int) or abs(loglevel) > MAX_INT64:
        raise param_error("Invalid log level")
    LOGGER.setLevel(LEVELS.get(loglevel, 1))
    return 0


def set_log_handler(log_handler: Callable[..., Any] | None = None) -> int:
    """Have a function called with each message.

    Args:
        log_handler: takes the level, the function, the file, the line and the text; None writes messages to
            the standard output.
    """
    for handler in LOGGER.handlers[:]:
        if isinstance(handler, _Handler):
            LOGGER.removeHandler(handler)
    LOGGER.addHandler(_Handler(log_handler))
    return 0
