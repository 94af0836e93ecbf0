# The columns that records need of which nobody has said the types: what the records of a sample have is guessed from, and told
# as fields of a schema.
#
# Not here: what is guessed of a value (`inferring.pyx`), and who keeps a sample (`columns.pyx`).

cdef Adding guess_records(Guess* bins, Guess* keys, Memory* records) noexcept nogil:
    """Takes into account what is in records, whose messages stand one behind the other."""
    cdef Span s, inside
    cdef RawRecord r
    cdef RawBin b
    cdef Value v
    cdef Guess* bin
    cdef Adding outcome
    cdef int _i
    s.p = records.data
    s.end = s.p + records.size
    while s.p != s.end:
        if read_raw(&r, &s) != ADDED:
            return MALFORMED
        if r.key != NULL:
            outcome = particle_value(&v, r.key_kind, r.key, r.key_size, &inside)
            if outcome == ADDED:
                outcome = guess(keys, &v, &inside, 0)
            if outcome != ADDED:
                return outcome
        bins.likely_field = 0
        for _i in range(r.bins):
            if next_bin(&b, &s) != ADDED:
                return MALFORMED
            if b.kind == PARTICLE_NULL:
                continue
            if has_nul(<const char*>b.name, b.name_size):
                return MALFORMED            # no server has such a bin, and no column can be called so
            bin = guess_named(bins, b.name, b.name_size)
            if bin == NULL:
                return OUT_OF_MEMORY
            inside.p = inside.end = NULL
            outcome = particle_value(&v, b.kind, b.value, b.size, &inside)
            if outcome == ADDED:
                outcome = guess(bin, &v, &inside, 0)
            if outcome != ADDED:
                return outcome
    return ADDED


cdef Adding guess_keys(Guess* keys, RawRow* rows, Py_ssize_t count) noexcept nogil:
    """Takes keys into account that are not in messages."""
    cdef Span inside
    cdef Value v
    cdef Adding outcome
    cdef Py_ssize_t i
    for i in range(count):
        if rows[i].raw.key == NULL:
            continue
        outcome = particle_value(&v, rows[i].raw.key_kind, rows[i].raw.key, rows[i].raw.key_size, &inside)
        if outcome == ADDED:
            outcome = guess(keys, &v, &inside, 0)
        if outcome != ADDED:
            return outcome
    return ADDED


cdef list guess_fields(
    Memory* records, RawRow* rows, Py_ssize_t count, tuple bins, dict metadata, str extra, MisfitRule rule
):
    """The fields that records need, whose messages stand one behind the other: that of the keys first, if it is asked for.

    Args:
        records: the messages.
        rows: where the keys of `count` of them are told, if they are not in the messages; else NULL.
        count: how many these are.
        bins: in whose order the fields of bins are, also those that no record has; None for the order of their names.
        metadata: what the columns of metadata are called, by what they have.
        extra: what the column for the rest is called; None: there is none.
        rule: what becomes of values that do not fit.

    Raises:
        InvalidArgument: a bin is called as another column.
        ProtocolError: a record is not as records are.
    """
    cdef Guess bin_guesses, keys
    cdef Adding outcome
    cdef int i
    cdef list found = []
    cdef int64_t left = MOST_GUESSES
    memset(&bin_guesses, 0, sizeof(Guess))
    memset(&keys, 0, sizeof(Guess))
    bin_guesses.left = keys.left = &left
    mixed_is_json = rule == MISFIT_IS_JSON
    try:
        with nogil:
            outcome = guess_records(&bin_guesses, &keys, records)
            if outcome == ADDED:
                outcome = guess_keys(&keys, rows, count)
        if outcome == OUT_OF_MEMORY:
            raise MemoryError
        if outcome != ADDED:
            raise broken("a record")
        for i in range(bin_guesses.field_count):
            found.append(guessed_schema(&bin_guesses.fields[i], text_of_name(&bin_guesses.fields[i]), mixed_is_json))
        key = guessed_schema(&keys, metadata.get("key", ""), mixed_is_json)
    finally:
        free_guess(&bin_guesses)
        free_guess(&keys)
    taken = {*metadata.values(), extra}
    for each in found:
        if each.name in taken:
            raise errors.InvalidArgument(
                f"a bin and another column are both called {each.name!r}",
                advice="call the other one otherwise: metadata={'key': '_key'}",
            )
    if bins is None:
        found.sort(key=name_of_field)
    else:
        by_name = {each.name: each for each in found}
        found = [by_name.pop(name, None) or ArrowSchema(name, "n") for name in bins] + list(by_name.values())
    return [key, *found] if "key" in metadata else found


cdef object name_of_field(object field):
    return (<ArrowSchema>field).name
