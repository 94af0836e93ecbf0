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


cdef bytes inflate(const unsigned char* body, size_t size):
    """Returns the frame that is in the body of a compressed frame; the GIL is released meanwhile.

    Memory grows with the bytes that come out, and never beyond the size that is told in front of them.
    """
    cdef uint64_t told
    cdef Frame inner
    from zlib import decompressobj, error as ZlibError

    if size < COMPRESSED_HEAD_SIZE:
        raise badly_compressed(f"of {size} bytes")
    told = load64(body)
    if not FRAME_HEADER_SIZE <= told <= FRAME_HEADER_SIZE + MAX_MESSAGE:
        raise badly_compressed(f"that says it is of {told} bytes")
    stream = decompressobj()
    try:
        data = stream.decompress(
            PyMemoryView_FromMemory(
                <char*>body + <Py_ssize_t>COMPRESSED_HEAD_SIZE, <Py_ssize_t>(size - COMPRESSED_HEAD_SIZE), PyBUF_READ
            ),
            told + 1,
        )
    except ZlibError as error:
        raise badly_compressed(f"that can't be read: {error}") from None
    if not stream.eof or <uint64_t>len(data) != told:
        raise badly_compressed(f"that is not of {told} bytes, as it says")
    if stream.unused_data:
        raise badly_compressed(f"with {len(stream.unused_data)} bytes behind it")
    if (
        split_frame(&inner, <const unsigned char*>PyBytes_AS_STRING(data), <size_t>told, TYPE_MESSAGE) != FRAME_WHOLE
        or inner.is_compressed or inner.size != told
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
        opened = inflate(frame.body, frame.body_size)
    frame.body = <const unsigned char*>PyBytes_AS_STRING(opened) + FRAME_HEADER_SIZE
    frame.body_size = <size_t>PyBytes_GET_SIZE(opened) - FRAME_HEADER_SIZE
    return opened
