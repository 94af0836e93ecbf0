# Readers turn the answer to a command into the value that the caller gets. A connection hands the answer's frames to the
# command's reader, one after the other, and knows nothing of their content.
#
# Not here: how a message is laid out (`message.pyx`), and the readers themselves, a part for each family of commands.

cdef extern from "Python.h":
    int PY_VERSION_HEX
    int PyGC_Disable()
    int PyGC_Enable()


cdef enum:
    LARGE_FRAME = 32 * 1024                 # bytes of a body from which on reading it may make very many objects


@cython.final
cdef class Sign:
    """An object with a name that is compared by identity only."""

    cdef str name

    def __cinit__(self, str name not None) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


cdef object MORE = Sign("MORE")             # what a reader returns for a frame that is not the answer's last
cdef object PAUSE = Sign("PAUSE")           # what it returns for a frame of which its time was too short to read all
cdef object RAISE = Sign("RAISE")           # as `given`: a missing record raises its error
MISSING_RAISES = RAISE


cdef class Reader:
    """Reads the answer to a command.

    A reader of answers with one frame has no state: all commands share it, so that no command allocates a reader. A reader
    of answers with many frames is made for one command, and keeps what the frames gave so far.
    """

    cdef bint reads_bins                    # whether an answer has bins, and so may be large
    cdef bint makes_no_objects              # it works without the GIL, so what it would switch off were other threads'
    cdef bint has_many_frames
    cdef bint ends_with_error               # whether an answer of many frames ends with any message that has an error
    cdef int64_t until                      # when a reader of many frames pauses; 0: it does not

    cdef object read(self, Key key, object given, const unsigned char* body, size_t size, NameCache* names):
        """Reads one frame, and returns what the caller of the command gets; or MORE if another frame follows.

        A reader of many frames may return PAUSE instead, when the time `until` has come, and is given the same frame again.

        Args:
            key: the record that the command is about, or None.
            given: an argument for the reader, which comes with the command: see each reader.
            body: the frame's body. The memory is reused after this returns anything but PAUSE.
            names: the connection's cache of short texts.

        Raises:
            ServerError: the server refused the command, which is the end of the answer.
            ProtocolError: these are no bytes of an answer.
        """
        raise NotImplementedError

    cdef int restart(self) except -1:
        """Forgets what the frames gave so far, because the command is sent again. Called only if `has_many_frames`."""
        return 0


cdef inline object read_frame(Reader reader, Key key, object given, Frame* frame, NameCache* names):
    """Has the reader read a whole frame.

    Before Python 3.12 the garbage collector runs after every few hundred new objects, and takes longer with each run. So it
    is switched off while a large frame is read, as none of the new objects can be garbage.
    """
    if frame.body_size < LARGE_FRAME or PY_VERSION_HEX >= 0x030C0000:
        return reader.read(key, given, frame.body, frame.body_size, names)
    return read_large_frame(reader, key, given, frame, names)


cdef object read_large_frame(Reader reader, Key key, object given, Frame* frame, NameCache* names):
    cdef bint was_enabled
    if reader.makes_no_objects:
        return reader.read(key, given, frame.body, frame.body_size, names)
    was_enabled = PyGC_Disable()
    try:
        return reader.read(key, given, frame.body, frame.body_size, names)
    finally:
        if was_enabled:
            PyGC_Enable()


@cython.final
cdef class FramesReader(Reader):
    """Returns the bodies of an answer's frames as a list of bytes: for messages that are made in Python.

    `is_last(body)` tells whether the answer ends with this frame; without it the answer has one frame.
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
