"""How info commands are sent."""

from __future__ import annotations

from pyspike.plain_value import value_class
from pyspike.policy.base import Milliseconds, Policy, policy_field
from pyspike.policy.checks import positive_ms

__all__ = ["InfoPolicy"]


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
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
