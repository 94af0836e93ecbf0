# Frames, of which every stream to and from a server consists: a header of 8 bytes and a body (framing.md 1.1). Blocking
# connections and asyncio's protocol have the bytes that they receive split into frames and checked here. A compressed frame has
# another one in it (framing.md 1.5), which is taken out here.
#
# Not here: what a body means (readers), and the buffers that received bytes are in.

cdef uint64_t BODY_SIZE_MASK = (<uint64_t>1 << 48) - 1      # the bits of a frame's header that hold the body's size


cdef enum FrameState:
    FRAME_PART                              # more bytes of the frame have to come
    FRAME_WHOLE
    FRAME_BAD                               # it has another type than expected, or its body exceeds the limit


cdef struct Frame:                          # the frame at the start of the received bytes
    size_t size                             # header and body; 0 until the header is there
    const unsigned char* body               # set when the frame is whole; borrowed from the receive buffer
    size_t body_size
    bint is_compressed                      # whether `open_frame` has to let `body` be that of the frame in this one


cdef inline FrameState split_frame(Frame* frame, const unsigned char* data, size_t have, int kind) noexcept nogil:
    """Finds the frame of a `kind` (`TYPE_INFO`, `TYPE_MESSAGE`) that begins `data`, of which `have` bytes were received.

    Where messages are expected, one may be compressed. Bytes behind the frame are not looked at.
    """
    cdef uint64_t header, begin
    frame.size = 0
    if have < FRAME_HEADER_SIZE:
        return FRAME_PART
    header = load64(data)
    begin = header >> 48
    frame.is_compressed = begin != (<uint64_t>PROTO_VERSION << 8 | <uint64_t>kind)
    if frame.is_compressed and (kind != TYPE_MESSAGE or begin != (<uint64_t>PROTO_VERSION << 8 | <uint64_t>TYPE_COMPRESSED)):
        return FRAME_BAD
    if header & BODY_SIZE_MASK > MAX_MESSAGE:
        return FRAME_BAD
    frame.body_size = <size_t>(header & BODY_SIZE_MASK)
    frame.size = FRAME_HEADER_SIZE + frame.body_size
    if have < frame.size:
        return FRAME_PART
    frame.body = data + FRAME_HEADER_SIZE
    return FRAME_WHOLE


cdef inline void put_frame_header(unsigned char* frame, int kind, size_t size) noexcept nogil:
    """Writes the header of a frame that takes `size` bytes in all."""
    store64(frame, <uint64_t>PROTO_VERSION << 56 | <uint64_t>kind << 48 | <uint64_t>(size - FRAME_HEADER_SIZE))


# --- compressed frames ---

cdef object badly_compressed(str why):
    return errors.ProtocolError(f"a compressed answer {why}")


cdef enum:
    INFLATED_IN_TURN = 128 * 1024           # bytes that are inflated between two looks at the clock
    PACKED_IN_TURN = 64 * 1024              # bytes that `zlib` is given for that


@cython.final
cdef class Inflation:
    """What takes the frame out of a compressed one, in several turns if the caller has other things to do.

    Memory grows with the bytes that come out, and never beyond the size that is told in front of them. The GIL is released
    meanwhile.
    """

    cdef uint64_t told                      # size of the frame that is in it
    cdef object stream
    cdef size_t taken                       # bytes of the body that the stream was given
    cdef bytes rest                         # of those, what it has not read yet
    cdef list pieces                        # that came out
    cdef uint64_t size                      # of all of them

    @staticmethod
    cdef Inflation of(const unsigned char* body, size_t size):
        """Begins with the body of a compressed frame."""
        cdef Inflation inflation = Inflation.__new__(Inflation)
        from zlib import decompressobj

        if size < COMPRESSED_HEAD_SIZE:
            raise badly_compressed(f"of {size} bytes")
        inflation.told = load64(body)
        if not FRAME_HEADER_SIZE <= inflation.told <= FRAME_HEADER_SIZE + MAX_MESSAGE:
            raise badly_compressed(f"that says it is of {inflation.told} bytes")
        inflation.stream = decompressobj()
        inflation.taken = COMPRESSED_HEAD_SIZE
        inflation.rest = b""
        inflation.pieces = []
        return inflation

    cdef bytes go_on(self, const unsigned char* body, size_t size, int64_t until):
        """Returns the frame that is in the same body; None if the time is over before it is all there."""
        cdef size_t packed
        cdef uint64_t wanted = self.told + 1
        from zlib import error as ZlibError

        while not self.stream.eof and self.size < wanted:
            if self.rest:
                source = self.rest
            else:
                packed = size - self.taken
                if packed == 0:
                    break
                if until != FOREVER:
                    packed = min(packed, <size_t>PACKED_IN_TURN)
                source = PyMemoryView_FromMemory(<char*>body + <Py_ssize_t>self.taken, <Py_ssize_t>packed, PyBUF_READ)
                self.taken += packed
            try:
                piece = self.stream.decompress(
                    source,
                    wanted - self.size if until == FOREVER else min(wanted - self.size, <uint64_t>INFLATED_IN_TURN),
                )
            except ZlibError as error:
                raise badly_compressed(f"that can't be read: {error}") from None
            self.rest = self.stream.unconsumed_tail
            self.pieces.append(piece)
            self.size += <uint64_t>len(piece)
            if until != FOREVER and now_ns() >= until and not self.stream.eof:
                return None
        return self.whole(size)

    cdef bytes whole(self, size_t size):
        """Returns the frame, which is checked."""
        cdef Frame inner
        cdef size_t behind
        cdef bytes data = b"".join(self.pieces)
        if not self.stream.eof or self.size != self.told:
            raise badly_compressed(f"that is not of {self.told} bytes, as it says")
        behind = <size_t>len(self.stream.unused_data) + size - self.taken
        if behind:
            raise badly_compressed(f"with {behind} bytes behind it")
        if (
            split_frame(&inner, <const unsigned char*>PyBytes_AS_STRING(data), <size_t>self.told, TYPE_MESSAGE) != FRAME_WHOLE
            or inner.is_compressed or inner.size != self.told
        ):
            raise badly_compressed(f"that is not one whole message: it begins with {data[:8].hex()}")
        return data


cdef bytes open_frame(Frame* frame, bytes opened):
    """Lets `body` be that of the frame in a compressed one.

    Args:
        frame: the compressed one, which is whole.
        opened: what this returned for the same frame before; else None.

    Returns:
        The bytes that `body` points into: the caller keeps them as long as the frame.
    """
    if opened is None:
        opened = Inflation.of(frame.body, frame.body_size).go_on(frame.body, frame.body_size, FOREVER)
    frame.body = <const unsigned char*>PyBytes_AS_STRING(opened) + FRAME_HEADER_SIZE
    frame.body_size = <size_t>PyBytes_GET_SIZE(opened) - FRAME_HEADER_SIZE
    return opened
