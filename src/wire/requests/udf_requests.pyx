# Calls of functions that are registered on the servers, on one record (single-record.md 4.6): what names the function, and its
# arguments. Rows of batches have the same fields.

cdef object module_name(object module):
    """The name of a module as calls have it: without ".lua"."""
    cdef str name
    if not isinstance(module, str):
        raise errors.InvalidType(f"a module's name must be str, not {shown(module)}")
    name = plain_text(module)
    if name.endswith(".lua"):
        name = name[: len(name) - 4]
    if not name:
        raise errors.InvalidArgument("a module's name is empty")
    return name


cdef object function_name(object function):
    if not isinstance(function, str):
        raise errors.InvalidType(f"a function's name must be str, not {shown(function)}")
    if not function:
        raise errors.InvalidArgument("a function's name is empty")
    return plain_text(function)


cdef tuple call_arguments(object args):
    """The arguments of a call, as many as there are."""
    if isinstance(args, (str, bytes, dict)):
        raise errors.InvalidType(f"args must be a sequence of arguments, not {type(args).__name__}: write [{shown(args)}]")
    try:
        return tuple(args)
    except TypeError:
        raise errors.InvalidType(f"args must be a sequence of arguments, not {type(args).__name__}") from None


cdef int put_call_fields(Buffer* out, object module, object function, tuple args, CodecTable codecs=None) except -1:
    """Writes the fields that say which function is called with which arguments; returns how many fields these are."""
    cdef Packer packer
    cdef size_t start
    put_name_field(out, FIELD_UDF_MODULE, module_name(module), "module")
    put_name_field(out, FIELD_UDF_FUNCTION, function_name(function), "function")
    start = out.size
    start_field(out, FIELD_UDF_ARGUMENTS, 0)
    packer_init(&packer, out, None)
    packer.root = "args"
    if codecs is not None:
        packer.codecs = <PyObject*>codecs
    put_sequence(&packer, args)
    store32(out.data + start, <uint32_t>(out.size - start - 4))
    return 3


cdef int put_name_field(Buffer* out, int field, object name, str what) except -1:
    try:
        return put_text_field(out, field, name)
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument(f"the {what}'s name {shown(name)} is not valid text: {error}") from None


cdef int put_call(
    Buffer* out, Key key, object module, object function, object args, Settings settings, double total_timeout, object ttl,
    object filter_expression, CodecTable codecs
) except -1:
    """Call a function on the record, or on none if there is no such record.

    The server refuses a call with a record_exists_action, which means nothing for it, or with a generation.
    """
    cdef int fields
    cdef tuple given = call_arguments(args)
    if settings.info2 & (INFO2_GENERATION | INFO2_GENERATION_GT):
        raise errors.InvalidArgument(
            "a function can't be called on the condition of a generation",
            advice="compare record.gen(rec) in the function, and give a policy without generation_policy",
        )
    fields = start_write(out, key, settings, total_timeout, ttl, None, filter_expression, answer_bits(settings), 0, True)
    seal_request(out, settings, fields + put_call_fields(out, module, function, given, codecs), 0)
    return 0
