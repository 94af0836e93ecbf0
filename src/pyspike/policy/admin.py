"""How commands are sent that change the cluster itself: its indexes, its modules, what is truncated."""

from __future__ import annotations

from pyspike.plain_value import value_class
from pyspike.policy.base import Milliseconds, Policy, policy_field
from pyspike.policy.checks import positive_ms

__all__ = ["AdminPolicy"]


@value_class(frozen=True, kw_only=True, slots=True, repr=False, eq=False)
class AdminPolicy(Policy):
    """How commands are sent that change the cluster itself: its indexes, its modules, what is truncated.

    Args:
        timeout: the deadline of such a command in milliseconds, or a timedelta. A task that waits until all
            nodes have done what the command said gives each node so long to answer each of its questions.

    Raises:
        TypeError: there is no such field.
        InvalidType: the timeout is of the wrong type.
        InvalidArgument: the timeout is out of range.
    """

    timeout: Milliseconds = policy_field(3000, positive_ms)
