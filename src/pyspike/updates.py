"""`Client.update`: read a record, change it, write what has changed if nobody else has.

Which changes are written and when it begins anew is in `plans/updates.py`; that of `AsyncClient` is in
`async_updates`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from pyspike._types import KeyLike, Milliseconds, Ttl
from pyspike.client_part import ClientPart
from pyspike.errors import AerospikeError
from pyspike.policy import WritePolicy
from pyspike.process.lazy_imports import importing

__all__ = ["REPEATS", "N", "U", "Updates"]

U = TypeVar("U")
# Whether a function may return None: two overloads would be ambiguous for a lambda.
N = TypeVar("N", bound="None")

REPEATS = 20  # times that a function is called again, by default


class Updates(ClientPart):
    """What `Client` has besides its commands on records: `update`."""

    __slots__ = ()

    get: Any  # those of the compiled commands, which stand in front of this class
    put: Any
    delete: Any

    @overload
    def update(
        self,
        key: KeyLike,
        function: Callable[[dict[str, Any]], Mapping[str, Any] | None],
        *,
        retries: int = ...,
        timeout: Milliseconds | None = ...,
        ttl: Ttl | None = ...,
        policy: WritePolicy | None = ...,
    ) -> dict[str, Any]: ...

    @overload
    def update(
        self,
        key: KeyLike,
        function: Callable[[U | None], U | N],
        *,
        into: type[U],
        retries: int = ...,
        timeout: Milliseconds | None = ...,
        ttl: Ttl | None = ...,
        policy: WritePolicy | None = ...,
    ) -> U | N: ...

    def update(
        self,
        key: KeyLike,
        function: Callable[[Any], Any],
        *,
        into: type[Any] | None = None,
        retries: int = REPEATS,
        timeout: Milliseconds | None = None,
        ttl: Ttl | None = None,
        policy: WritePolicy | None = None,
    ) -> Any:
        """Read a record, have a function change its bins, and write what has changed if nobody else has.

            def visit(bins):
                bins["visits"] = bins.get("visits", 0) + 1

            client.update(key, visit)

        The function is given the bins in a dict of its own, an empty one if there is no record, and changes
        them in place. If it returns bins, these come on top, as `put` would write them: None removes one, and
        those that it does not name stay. So both `bins["a"] = 1` and `return {"a": 1}` set the bin `a`, and
        `del bins["a"]` removes it. If nothing has changed, nothing is written; where all bins are gone
        (`bins.clear()`), the record is deleted. What counts is what is stored: 1.0 is another value than 1,
        and with a codec Decimal("12.50") than Decimal("12.5").

        The write is done only if the record still has the generation that was read. If not, it is all done
        again, after pauses that grow and differ: so the function should do nothing else that can't be done
        twice. Nothing that others write in between is lost, unless they delete the record and make it anew
        by as many writes as the old one had. What `operate` can do, such as counting, it does in one message
        and without collisions.

        Args:
            function: changes the bins. What it raises comes out, and nothing is written.
            into: a class whose objects the function is given in place of bins, as `get` makes them; None
                where there is no record. It changes the object, or returns another one. Bins without a field
                stay.
            retries: how often it is called again, at most.
            timeout: the deadline of it all, in milliseconds or as a timedelta; None to give each read and
                write the deadline of its policy.
            ttl: as in `put`: each write sets the time to live anew; `Expiration.DONT_UPDATE` leaves it.
            policy: of the write, with UPDATE, or with UPDATE_ONLY to have a record that is missing be an
                error. The read has the client's policy, and asks the master.

        Returns:
            The bins that the record has now; an empty dict if there is none. With `into` the object, which is
            None if the function was given none and has returned none.

        Raises:
            GenerationError, RecordExists, RecordNotFound, KeyBusy, TransactionBlocked: others were in the way
                as often as that.
            InvalidType, InvalidArgument: an argument, or what the function returns, can't be used.
            SchemaMismatch: the record does not fit the class.
            AerospikeError: what else has failed; a write `in_doubt` may have been done, and is not repeated.
        """
        with importing:
            from pyspike.plans.updates import Update

        policies = self._policies
        plan = None if into is None else self._cluster.types.plan(into)
        update = Update(
            policies.read,
            policies.write if policy is None else policy,
            retries,
            timeout,
            plan,
            self._cluster.policy.codecs,
        )
        while True:
            given = update.begin(self.get(key, **update.read_options))
            update.end(function(given))
            try:
                if update.deletes:
                    self.delete(key, **update.write_options)
                elif update.changes:
                    self.put(key, update.changes, ttl=ttl, **update.write_options)
            except AerospikeError as error:
                pause = update.pause_after(error)
                if pause is None:
                    raise
            else:
                return update.result
            time.sleep(pause / 1000)
