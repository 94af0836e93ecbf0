"""How info commands are sent."""
# ruff: noqa: RUF009 - policy_field() is dataclasses.field() with a check, and every default is immutable

from __future__ import annotations

from dataclasses import dataclass

from pyspike.policy.base import Milliseconds, Policy, policy_field, refuse_changes
from pyspike.policy.checks import positive_ms

__all__ = ["InfoPolicy"]


@refuse_changes
@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class InfoPolicy(Policy):
    """How info commands are sent.

    Args:
        timeout: the deadline in milliseconds, or a timedelta.

    Raises:
        TypeError: there is no such field.
        InvalidType: the timeout is of the wrong type.
        InvalidArgument: the timeout is out of range.
    """

    timeout: Milliseconds = policy_field(3000, positive_ms)
