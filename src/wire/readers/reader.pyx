# What an answer becomes is known by a reader: an object that is given the answer's frames, one after the other, and makes
# of them what the caller of the command gets. No connection knows what it carries.
#
# Not here: how a message is laid out (`message.pyx`), and the readers themselves, a part for each family of commands.

cdef extern from "Python.h":
    int PY_VERSION_HEX
    int PyGC_Disable()
    int PyGC_Enable()


cdef enum:
    LARGE_FRAME = 32 * 1024                 # bytes from which reading a body may make very many objects


@cython.final
cdef class Sign:
    """An object that stands for something and is compared by identity."""

    cdef str name

    def __cinit__(self, str name not None) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


cdef object MORE = Sign("MORE")             # what a reader gives for a frame that is not the answer's last
cdef object RAISE = Sign("RAISE")           # as `given`: the error of a missing record is raised
MISSING_RAISES = RAISE


cdef class Reader:
    """Reads the answer to a command.

    A reader whose answers have one frame has no state: it is shared by all commands, so that reading allocates nothing
    but what it gives. One whose answers have many is made for its command, and keeps what the frames gave so far.
    """

    cdef bint reads_bins                    # whether an answer may be as large as a record
    cdef bint has_many_frames

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        """Reads one frame, and gives what the caller of the command gets; or MORE if another frame follows.

        Args:
            key: the record that the command is about, or None.
            given: what the caller gave with the command for the reading of its answer: see each reader.
            body: the frame's body. It is not there any more when this returns.
            names: the strings that were made for short texts on this connection, for use again.

        Raises:
            ServerError: the server refused the command, which is the end of the answer.
            ProtocolError: these are no bytes of an answer.
        """
        raise NotImplementedError

    cdef int restart(self) except -1:
        """Forgets what frames gave so far, because the command is sent again. Called only if `has_many_frames`."""
        return 0


cdef inline object read_frame(Reader reader, Key key, object given, Frame* frame, NameCache* names):
    """Has the reader read a whole frame.

    While a large one becomes many objects, none of which can be garbage, Python does not look for any: until 3.12 it
    would do so every few hundred objects, and take longer with each.
    """
    if frame.body_size < LARGE_FRAME or PY_VERSION_HEX >= 0x030C0000:
        return reader.read(key, given, frame.body, frame.body_size, names)
    return read_large_frame(reader, key, given, frame, names)


cdef object read_large_frame(Reader reader, Key key, object given, Frame* frame, NameCache* names):
    cdef bint was_enabled = PyGC_Disable()
    try:
        return reader.read(key, given, frame.body, frame.body_size, names)
    finally:
        if was_enabled:
            PyGC_Enable()


@cython.final
cdef class FramesReader(Reader):
    """Gives the bodies of an answer's frames as they came, as a list of bytes: for messages that are made in Python.

    `is_last(body)` says whether the answer ends with this frame; None: it has only one.
    """

    cdef object is_last
    cdef list bodies

    def __cinit__(self, object is_last=None) -> None:
        self.is_last = is_last
        self.bodies = []
        self.has_many_frames = is_last is not None

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        data = PyBytes_FromStringAndSize(<const char*>body, <Py_ssize_t>size)
        self.bodies.append(data)
        if self.is_last is None or self.is_last(data):
            return self.bodies
        return MORE

    cdef int restart(self) except -1:
        self.bodies = []
        return 0
