# TLS of a blocking connection, between a request's bytes and those of the socket: what is to be sent is sealed, what has arrived
# is opened. Python's `ssl` does that, in memory. Sending, receiving and waiting are the transport's, as without TLS.
#
# A transport calls `seal_some` and `open_arrived` without the GIL. They take it for their calls of `ssl`, which gives it back
# while it encrypts and decrypts.

cdef enum:
    SEALED_AT_ONCE = 64 * 1024              # bytes of a request
    ARRIVED_AT_ONCE = 32 * 1024             # bytes of a receive: a record of TLS has 16 KiB at most, and a little
    OPENED_AT_ONCE = 1 << 30                # bytes, as many as `ssl` takes
    WANT_READ = 2                           # `ssl.SSL_ERROR_WANT_READ`: more has to arrive


cdef struct TlsState:                       # what a transport looks at without the GIL
    void* stream                            # the TlsStream, which owns all of this
    const unsigned char* sealed             # what was sealed and not sent yet
    size_t sealed_size
    size_t covered                          # bytes of the request in `sealed` that do not count as sent yet
    unsigned char* arrived                  # room for ARRIVED_AT_ONCE bytes
    bint dry                                # whether nothing can be opened until more arrives


@cython.final
cdef class TlsStream:
    """The TLS of one connection after its handshake; `ssl` is used on memory, never on a socket.

    Args:
        tls: the `ssl.SSLObject`.
        incoming: the `ssl.MemoryBIO` from which it reads.
        outgoing: the `ssl.MemoryBIO` to which it writes.
        explain: makes the error to raise of one of `ssl`'s.
    """

    cdef TlsState state
    cdef object read, write, incoming, put_in, take_out, explain
    cdef bytes sealed                       # keeps what `state.sealed` points to
    cdef object failure                     # what a call raised; None if nothing

    def __cinit__(
        self, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO,
        explain: Callable[[Exception], AerospikeError]
    ) -> None:
        self.read, self.write = tls.read, tls.write
        self.incoming, self.put_in, self.take_out = incoming, incoming.write, outgoing.read
        self.explain = explain
        self.state.stream = <void*>self
        self.state.arrived = <unsigned char*>PyMem_RawMalloc(ARRIVED_AT_ONCE)
        if self.state.arrived == NULL:
            raise MemoryError

    def __dealloc__(self) -> None:
        PyMem_RawFree(self.state.arrived)

    cdef object error(self):
        """Returns the error to raise after a call failed."""
        failure = self.failure
        return self.explain(failure) if isinstance(failure, OSError) else failure

    cdef int seal(self, const unsigned char* data, size_t size) except -1:
        size = min(size, <size_t>SEALED_AT_ONCE)
        self.state.covered = <size_t>self.write(PyMemoryView_FromMemory(<char*>data, <Py_ssize_t>size, PyBUF_READ))
        self.sealed = self.take_out()
        self.state.sealed = <const unsigned char*>PyBytes_AS_STRING(self.sealed)
        self.state.sealed_size = <size_t>PyBytes_GET_SIZE(self.sealed)
        return 0

    cdef size_t open(self, size_t size, unsigned char* data, size_t room) except? 0:
        """Opens `size` bytes that arrived, and what arrived before; returns how many bytes it gives, all that fit into `data`.

        0 without an exception: the server has ended the stream, or more has to arrive; then `dry` is set.
        """
        cdef size_t given = 0
        cdef size_t asked, got
        if size:
            self.put_in(PyMemoryView_FromMemory(<char*>self.state.arrived, <Py_ssize_t>size, PyBUF_READ))
            self.state.dry = False
        while given < room and not self.state.dry:
            asked = min(room - given, <size_t>OPENED_AT_ONCE)
            try:
                got = <size_t>self.read(
                    asked, PyMemoryView_FromMemory(<char*>data + given, <Py_ssize_t>asked, PyBUF_WRITE)
                )
            except OSError as error:
                if error.errno == WANT_READ:
                    self.state.dry = True
                elif given == 0:            # else what came before is read first, and the error comes again
                    raise
                break
            if got == 0:
                break
            given += got
            # A read gives the rest of a record. Where it gave less than asked for, and nothing else came, all is open.
            self.state.dry = got < asked and self.incoming.pending == 0
        return given


cdef int seal_some(TlsState* tls, const unsigned char* data, size_t size) noexcept with gil:
    """Seals the next bytes of a request. Returns whether that went well; if not, the stream has the failure."""
    cdef TlsStream stream = <TlsStream>tls.stream
    try:
        stream.seal(data, size)
    except BaseException as failure:        # also Ctrl-C: `ssl` is code in Python
        stream.failure = failure
        return False
    return True


cdef int open_arrived(TlsState* tls, size_t size, unsigned char* data, size_t room, size_t* given) noexcept with gil:
    """Opens bytes that arrived, and adds the number of those that it gives to `given`. Returns whether that went well."""
    cdef TlsStream stream = <TlsStream>tls.stream
    try:
        given[0] += stream.open(size, data, room)
    except BaseException as failure:
        stream.failure = failure
        return False
    return True
