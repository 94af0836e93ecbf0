# A record's key: the namespace, set and user key that the caller gives, and the digest by which the cluster finds the record.

cdef extern from *:
    """
    static newfunc key_maker;               /* Key's own, without what constructors.pyx wraps around it */

    static void keep_key_maker(PyObject *kind) {
        key_maker = (newfunc)PyType_GetSlot((PyTypeObject *)kind, Py_tp_new);
    }
    static PyObject *make_key(PyObject *kind, PyObject *arguments) {
        return key_maker((PyTypeObject *)kind, arguments, NULL);
    }
    """
    void keep_key_maker(object kind) noexcept
    object make_key(object kind, tuple arguments)


cdef const char* any_utf8(str what, object text, Py_ssize_t* size) except NULL:
    try:
        return PyUnicode_AsUTF8AndSize(text, size)
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument(f"{what} {shown(text)} is not valid text: {error}") from None


cdef inline const char* checked_utf8(str what, object text, Py_ssize_t* size) except NULL:
    """Returns the UTF-8 of a text. `what` names the text in the error."""
    cdef const char* data = ascii_of(text, size)
    return data if data != NULL else any_utf8(what, text, size)


cdef str name_of(str what, object text, Py_ssize_t limit):
    """Returns the name of a namespace or set as a plain str; refuses a name that the server would refuse."""
    cdef Py_ssize_t size = 0
    cdef const char* data
    if not isinstance(text, str):
        raise errors.InvalidType(f"{what} must be a str, not {type(text).__name__}")
    text = plain_text(text)
    data = checked_utf8(what, text, &size)
    if size > limit:
        raise errors.InvalidArgument(f"{what} {shown(text)} takes {size} bytes, the server allows {limit}")
    if has_nul(data, <size_t>size):
        raise errors.InvalidArgument(f"{what} {shown(text)} has a NUL, which no name may have")
    return text


cdef inline str namespace_of(object text):
    cdef str name = name_of("the namespace", text, MAX_NAMESPACE)
    if not name:
        raise errors.InvalidArgument("the namespace's name is empty")
    return name


cdef inline str set_of(object text):
    """Returns the name of a set; "" for None, which means no set."""
    return "" if text is None else name_of("the set", text, MAX_SET)


cdef object no_user_key(object value):
    """Returns the error for an object that can't be a user key."""
    advice = "make an int, a str or bytes of it"
    if value is None:
        advice = "each record has a key of its own; Key.from_digest makes one where only the digest is known"
    elif isinstance(value, (bool, float)) or numpy_scalar(value) is not None:
        advice = "a bool or float would collide with other keys: write it as an int or a str"
    return errors.InvalidType(f"a key must be int, str or bytes, not {type(value).__name__}", advice=advice)


cdef object user_key_of(object value):
    """Returns the user key as a Key keeps it: an int of 64 bits, a str or bytes."""
    cdef int overflow = 0
    if PyUnicode_CheckExact(value) or PyBytes_CheckExact(value):
        return value
    number = plain_int(value)
    if number is not None:
        PyLong_AsLongLongAndOverflow(number, &overflow)
        if overflow:
            raise errors.InvalidArgument(f"the key {shown(number)} does not fit into a signed 64-bit integer")
        return number
    if isinstance(value, str):
        return plain_text(value)
    data = plain_bytes(value)
    if data is None:
        raise no_user_key(value)
    return data


cdef const unsigned char* user_key_bytes(
    object value, unsigned char* scratch, size_t* size, unsigned char* particle
) except NULL:
    """Returns the bytes that are hashed and sent for a user key.

    They are in the memory of `value`, or in `scratch`, which has room for 8 bytes.
    """
    cdef Py_ssize_t length = 0
    cdef const char* text
    if PyUnicode_CheckExact(value):
        text = checked_utf8("the key", value, &length)
        size[0] = <size_t>length
        particle[0] = PARTICLE_STRING
        return <const unsigned char*>text
    if PyBytes_CheckExact(value):
        size[0] = <size_t>PyBytes_GET_SIZE(value)
        particle[0] = PARTICLE_BLOB
        return <const unsigned char*>PyBytes_AS_STRING(value)
    if type(value) is RawParticle:          # of another client's (see `from_digest`)
        size[0] = <size_t>PyBytes_GET_SIZE(value.data)
        particle[0] = <unsigned char>value.type
        return <const unsigned char*>PyBytes_AS_STRING(value.data)
    store64(scratch, <uint64_t><int64_t>value)
    size[0] = 8
    particle[0] = PARTICLE_INTEGER
    return scratch


cdef int digest_into(unsigned char* out, object set_name, object user_key) except -1:
    cdef const unsigned char* pieces[3]
    cdef size_t sizes[3]
    cdef Py_ssize_t set_size = 0
    cdef unsigned char scratch[8]
    cdef unsigned char particle = 0
    pieces[0] = <const unsigned char*>utf8_size(set_name, &set_size)
    sizes[0] = <size_t>set_size
    pieces[2] = user_key_bytes(user_key, scratch, &sizes[2], &particle)
    pieces[1] = &particle
    sizes[1] = 1
    rmd_pieces(pieces, sizes, out)
    return 0


def digest(set_name: str | None, user_key: int | str | bytes) -> bytes:
    """Return the 20 bytes by which the cluster knows a key.

    They are RIPEMD-160 of the set's name, the key's type and its bytes, but not of the namespace. `bytes` have the type of
    blobs (4), as in the Rust and Java clients.
    """
    cdef unsigned char out[DIGEST_SIZE]
    digest_into(out, set_of(set_name), user_key_of(user_key))
    return PyBytes_FromStringAndSize(<const char*>out, DIGEST_SIZE)


@cython.final
@cython.freelist(32)
@cython.no_gc                               # plain values only: it can't be in a reference cycle
cdef class Key:
    """Key(namespace, set_name, user_key)\n--\n\nWhat a record is found by.

    `user_key` is an int (signed, 64 bits), a str or bytes. The server finds the record by a digest of the user key and the
    set's name. It stores the user key itself only if the write policy has `send_key`. Immutable, hashable, picklable.
    """

    cdef readonly str namespace
    cdef readonly str set_name
    cdef readonly object user_key           # None where only the digest is known
    cdef unsigned char hash[DIGEST_SIZE]

    __match_args__ = ("namespace", "set_name", "user_key")

    def __cinit__(self, namespace: str, set_name: str | None, user_key: int | str | bytes) -> None:
        if user_key is UNFILLED:
            return
        self.namespace = namespace_of(namespace)
        self.set_name = set_of(set_name)
        if user_key is not NO_USER_KEY:
            self.user_key = user_key_of(user_key)
            digest_into(self.hash, self.set_name, self.user_key)

    @cython.binding(True)                   # so that pickles find the method by its name
    @staticmethod
    def from_digest(
        namespace: str, set_name: str | None, digest: bytes, user_key: int | str | bytes | RawParticle | None = None
    ) -> Key:
        """Return the key of a record whose 20-byte digest is known, with or without its user key.

        A user key of a type that only other clients have (a float, say) is a `RawParticle`, as queries give it.
        """
        cdef Key key = Key(namespace, set_name, NO_USER_KEY)
        cdef bytes value
        value = plain_bytes(digest)
        if value is None:
            raise errors.InvalidType(f"a digest must be bytes, not {type(digest).__name__}")
        if len(value) != DIGEST_SIZE:
            raise errors.InvalidArgument(f"a digest has {DIGEST_SIZE} bytes, not {len(value)}")
        memcpy(key.hash, PyBytes_AS_STRING(value), DIGEST_SIZE)
        if user_key is not None:
            key.user_key = user_key if type(user_key) is RawParticle else user_key_of(user_key)
        return key

    @property
    def digest(self) -> bytes:
        """The 20 bytes by which the cluster knows the record."""
        return PyBytes_FromStringAndSize(<const char*>self.hash, DIGEST_SIZE)

    @property
    def partition_id(self) -> int:
        """The partition, 0 to 4095, that holds the record."""
        return partition_of(self.hash)

    def __hash__(self) -> int:
        cdef uint64_t h
        memcpy(&h, self.hash, 8)
        return <Py_hash_t>(h >> 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        cdef Key key = <Key>other
        return memcmp(self.hash, key.hash, DIGEST_SIZE) == 0 and self.namespace == key.namespace

    def __repr__(self) -> str:
        if self.user_key is None:
            return f"Key.from_digest({self.namespace!r}, {self.set_name!r}, bytes.fromhex({self.digest.hex()!r}))"
        return f"Key({self.namespace!r}, {self.set_name!r}, {shown(self.user_key)})"

    def __reduce__(self) -> tuple:
        return Key.from_digest, (self.namespace, self.set_name, self.digest, self.user_key)


cdef object NO_USER_KEY = object()
cdef object UNFILLED = object()             # makes a key without anything in it, which `key_of_record` fills in
cdef tuple UNFILLED_KEY = (None, None, UNFILLED)
keep_key_maker(Key)


cdef inline Key key_of_record(str namespace, str set_name, const unsigned char* digest, object user_key):
    """Returns the key of a record as a server tells it; `user_key` is None if the server does not store it."""
    cdef Key key = <Key>make_key(Key, UNFILLED_KEY)
    key.namespace = namespace
    key.set_name = set_name
    key.user_key = user_key
    memcpy(key.hash, digest, DIGEST_SIZE)
    return key


cdef inline Key key_of(object key):
    """Returns a Key: the one that is given, or the Key of a (namespace, set, user key) tuple."""
    if type(key) is Key:
        return <Key>key
    if isinstance(key, tuple) and len(<tuple>key) == 3:
        return Key(key[0], key[1], key[2])
    given = f"a tuple of {len(<tuple>key)}" if isinstance(key, tuple) else type(key).__name__
    raise errors.InvalidType(f"a key must be a pyspike.Key or a (namespace, set, user key) tuple, not {given}")
