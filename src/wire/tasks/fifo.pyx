# A queue of Python objects with compiled operations: one call of a method of `collections.deque` takes longer than all that
# the queues of a loop do for a command.

cdef enum:
    FIFO_SPARE = 256                        # free places at the front from which on the objects are moved there


@cython.final
cdef class Fifo:
    """Objects in the order in which they came. One thread uses it."""

    cdef list items
    cdef Py_ssize_t first                   # the place of the oldest object; the places before it are free

    def __cinit__(self) -> None:
        self.items = []

    cdef inline Py_ssize_t count(self) noexcept:
        return len(self.items) - self.first

    cdef inline int push(self, object item) except -1:
        self.items.append(item)
        return 0

    cdef inline object get(self, Py_ssize_t place):
        """Returns the object at a place, which must exist; the oldest object is at 0."""
        return self.items[self.first + place]

    cdef inline int put(self, Py_ssize_t place, object item) except -1:
        """Replaces the object at a place, which must exist."""
        self.items[self.first + place] = item
        return 0

    cdef inline object take(self):
        """Removes and returns the oldest object; there must be one."""
        item = self.items[self.first]
        self.items[self.first] = None
        self.first += 1
        if self.first == len(self.items):
            self.items.clear()
            self.first = 0
        elif self.first >= FIFO_SPARE and 2 * self.first >= len(self.items):
            del self.items[:self.first]
            self.first = 0
        return item

    cdef inline object take_last(self):
        """Removes and returns the newest object; there must be one."""
        return self.items.pop()

    cdef list take_all(self):
        """Removes and returns all objects, the oldest first."""
        cdef list taken = self.items[self.first:]
        self.items = []
        self.first = 0
        return taken
