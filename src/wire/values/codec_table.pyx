# What a client knows of types that Aerospike has none for (`pyspike.codecs`): the packer asks here before it refuses a value, and
# maps that are marked with a tag are decoded where a client that has such a codec reads them.

cdef enum:
    MOST_ENCODINGS = 16                     # how often codecs may encode what another one gives


@cython.final
cdef class Encoded:
    """What is stored of a value, to be marked with a tag."""

    cdef str tag
    cdef object value

    def __eq__(self, other: object) -> bool:
        if type(other) is not Encoded:
            return NotImplemented
        return self.tag == (<Encoded>other).tag and self.value == (<Encoded>other).value

    def __hash__(self) -> int:
        return hash(self.tag)

    def __reduce__(self) -> tuple:
        return new_encoded, (self.tag, self.value)


cpdef Encoded new_encoded(str tag, object value):
    """Return what is stored of a value, to be marked with a tag."""
    cdef Encoded encoded = Encoded.__new__(Encoded)
    encoded.tag = tag
    encoded.value = value
    return encoded


@cython.final
cdef class CodecTable:
    """The codecs of a client.

    Args:
        codecs: each type with what encodes its values, what decodes them again, and the tag; None for what is stored without
            one.
    """

    cdef dict by_type                       # types -> (encode, tag)
    cdef dict by_tag                        # tags -> decode; None if there is none

    def __cinit__(
        self, codecs: Iterable[tuple[type, Callable[[Any], Any], Callable[[Any], Any], str | None]]
    ) -> None:
        self.by_type = {}
        for kind, encode, decode, tag in codecs:
            self.by_type[kind] = (encode, tag)
            if tag is not None:
                self.by_tag = {} if self.by_tag is None else self.by_tag
                self.by_tag[tag] = decode

    cdef object untagged(self, object value):
        """Returns a value that was read, in which what is marked is decoded. Its lists and dicts are changed in place.

        What only looks as if it was marked, so that its codec does not take it, stays.
        """
        cdef Py_ssize_t i
        if isinstance(value, list):
            for i in range(len(<list>value)):
                item = (<list>value)[i]
                if isinstance(item, (list, dict)):
                    (<list>value)[i] = self.untagged(item)
        elif isinstance(value, dict):
            for name, item in (<dict>value).items():
                if isinstance(item, (list, dict)):
                    (<dict>value)[name] = self.untagged(item)   # the key is there, so the dict keeps its size
            if len(<dict>value) == 1:
                for name, item in (<dict>value).items():
                    decode = self.by_tag.get(name) if isinstance(name, str) else None
                    if decode is not None:
                        try:
                            return decode(item)
                        except Exception:
                            return value
        return value


cdef inline CodecTable tags_of(CodecTable codecs):
    """Returns the codecs if one of them is tagged, so that what is read is to be looked through; else None."""
    return codecs if codecs is not None and codecs.by_tag is not None else None
