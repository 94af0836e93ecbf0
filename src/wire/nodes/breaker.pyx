# The circuit breaker of a node (racks-and-health.md 15.3): it counts the errors by which the node costs time, window by window.
# While a window has more than its limit, the node gets no commands. A node that had too many is tried again in the next window
# with half the limit, which doubles with each window that is well. Not here: what counts as an error (`note_error` is called by
# whoever closes a connection or reads a result), and when a window ends (`pyspike.cluster`).
#
# Connections that can't be opened are no errors, nor are those that are found closed before they are used: they cost no command
# that was sent, and tending finds out about such a node. A broken connection counts once, however many commands it carried.

cdef enum:
    ANY_NUMBER = 0x7FFF_FFFF                # the limit where there is none


@cython.final
cdef class Breaker:
    """Counts the errors of one node, and is open while there were too many in the current window. No I/O, and no clock.

    Args:
        most: how many errors a window may have; 0 for any number.

    Attributes:
        most: the same.
        limit: how many errors the current window may have.
        errors: how many it has.
        total: how many there were so far.
        opened: how many windows had too many.
        refused: how many attempts were refused so far, because it was open.
    """

    cdef readonly int most, limit, errors
    cdef readonly size_t total, opened, refused

    def __cinit__(self, int most=0) -> None:
        self.most = most
        self.limit = most if most > 0 else ANY_NUMBER

    cdef inline bint refuses(self) noexcept:
        return self.errors > self.limit

    @property
    def is_open(self) -> bool:
        """Whether the node gets no commands."""
        return self.refuses()

    def count(self) -> None:
        """Count an error."""
        self.note_error()

    cdef void note_error(self):
        with cython.critical_section(self):
            self.total += 1
            if self.errors < ANY_NUMBER:
                self.errors += 1
            self.opened += self.errors == <int64_t>self.limit + 1

    cdef void note_refusal(self):
        """Counts an attempt that is refused."""
        with cython.critical_section(self):
            self.refused += 1

    def next_window(self) -> bool:
        """Begin the next window, and return whether the last one was well."""
        with cython.critical_section(self):
            well = not self.refuses()
            self.errors = 0
            if self.most > 0:
                if well:
                    self.limit = <int>min(<int64_t>self.most, 2 * <int64_t>self.limit)
                else:
                    self.limit = max(1, self.limit // 2)
        return well

    cdef dict stats(self):
        with cython.critical_section(self):
            return {
                "is_open": self.refuses(),
                "errors": self.errors,
                "limit": self.limit if self.most > 0 else None,
                "total_errors": self.total,
                "opened": self.opened,
                "refused": self.refused,
            }

    def __repr__(self) -> str:
        return f"<Breaker {'open' if self.refuses() else 'closed'}, {self.errors} of {self.limit} errors>"


# Results that the node rather than the request is to blame for, though the connection stays: a timeout, a partition that it does
# not have, a device that is overloaded. A session that it does not know any more is renewed without that.
cdef frozenset NODE_AT_FAULT = frozenset((ResultCode.TIMEOUT, ResultCode.PARTITION_UNAVAILABLE, ResultCode.DEVICE_OVERLOAD))


cdef object refused_by(Breaker breaker, str node):
    """Counts an attempt that the breaker refuses, and returns its error."""
    breaker.note_refusal()
    return errors.MaxErrorRate(
        f"node {node} gets no commands for now: of the last ones {breaker.errors} failed, and {breaker.limit} may",
        node=node,
        advice="see why the node fails; ClientPolicy has the limit: max_error_rate and error_rate_window",
    )
