# Frames, of which every stream to and from a server consists: a header of 8 bytes and a body (framing.md 1.1). Blocking
# connections and asyncio's protocol have the bytes that they receive split into frames and checked here.
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


cdef inline FrameState split_frame(Frame* frame, const unsigned char* data, size_t have, int kind) noexcept nogil:
    """Finds the frame of a `kind` (`TYPE_INFO`, `TYPE_MESSAGE`) that begins `data`, of which `have` bytes were received.

    Bytes behind the frame are not looked at. Compressed frames (framing.md 1.5) are not supported. To add them, inflate
    here and let `body` point to the inflated bytes.
    """
    cdef uint64_t header
    frame.size = 0
    if have < FRAME_HEADER_SIZE:
        return FRAME_PART
    header = load64(data)
    if header >> 48 != (<uint64_t>PROTO_VERSION << 8 | <uint64_t>kind) or header & BODY_SIZE_MASK > MAX_MESSAGE:
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
