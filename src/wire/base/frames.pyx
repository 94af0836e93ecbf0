# Frames, of which every stream to and from a server consists: a header of 8 bytes and a body (framing.md 1.1). Whoever
# receives bytes, a blocking connection or asyncio's protocol, has them split and checked here.
#
# Not here: what a body means (readers), and where received bytes lie.

cdef uint64_t BODY_SIZE_MASK = (<uint64_t>1 << 48) - 1      # the bits of a frame's header that hold the body's size


cdef enum FrameState:
    FRAME_PART                              # more bytes of it have to come
    FRAME_WHOLE
    FRAME_BAD                               # not of the expected type, or its body is larger than any can be


cdef struct Frame:                          # the frame at the start of the received bytes
    size_t size                             # header and body; 0 until the header is there
    const unsigned char* body               # set when it is whole; borrowed from where the frame was received
    size_t body_size


cdef inline FrameState split_frame(Frame* frame, const unsigned char* data, size_t have, int kind) noexcept nogil:
    """Looks at the first of `have` bytes for a frame of a `kind` (`TYPE_INFO`, `TYPE_MESSAGE`).

    Nothing behind the frame is looked at. A body that can be inflated (framing.md 1.5) is one more kind of whole frame:
    its `body` would lie in a buffer of its own, and whoever called this would not notice.
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
