# By what the rows of a batch are sent: the batch's settings and, for rows without a policy of their own, what the client's
# policies of reads and of writes say, as far as a row has their fields. Worked out once for a client.
#
# Not here: what a row asks (`batch_rows.pyx`), and how that becomes a request by these rules (`batch_requests.pyx`).

cdef struct HowRowsRead:                    # as the batch's policy says, or else the client's policy of reads
    uint8_t info1, info3
    int mode                                # MODE_SESSION and so on
    uint32_t ttl


@cython.final
cdef class RowRules:
    """By what the rows of a batch are sent."""

    cdef readonly Settings settings         # the batch's
    cdef Settings of_reads                  # the client's, for what those of the batch leave to it
    cdef HowRowsRead reading
    # of rows without a policy of their own:
    cdef readonly Settings read
    cdef readonly Settings write
    cdef readonly Settings delete
    cdef readonly Settings call             # a function

    cdef RowRules with_settings(self, Settings settings):
        """The rules of the same client, for a batch that has other settings."""
        cdef RowRules rules = RowRules.__new__(RowRules)
        cdef Settings reads = self.of_reads
        cdef int leaves = settings.leaves
        rules.settings = settings
        rules.of_reads = reads
        rules.read, rules.write, rules.delete, rules.call = self.read, self.write, self.delete, self.call
        rules.reading.info1 = (reads if leaves & LEAVES_CONSISTENCY else settings).info1 & INFO1_CONSISTENCY_ALL
        rules.reading.info3 = (reads if leaves & LEAVES_READ_MODE else settings).info3
        rules.reading.mode = (reads if leaves & LEAVES_READ_MODE else settings).choice.mode
        rules.reading.ttl = (reads if leaves & LEAVES_READ_TOUCH else settings).ttl
        return rules


def row_rules(Settings settings not None, Settings read not None, Settings write not None) -> RowRules:
    """By what a client sends the rows of batches.

    Args:
        settings: of a `BatchPolicy`.
        read: of the client's `ReadPolicy`.
        write: of its `WritePolicy`.
    """
    cdef RowRules rules = RowRules.__new__(RowRules)
    rules.of_reads = read
    rules.read = Settings.__new__(Settings)
    rules.read.of = OF_BATCH_READ
    rules.read.has_ttl = False
    rules.read.choice.mode = MODE_OF_BATCH
    rules.read.filter_expression = read.filter_expression
    rules.write = row_settings_of(
        write, OF_BATCH_WRITE, INFO2_CREATE_ONLY | INFO2_DURABLE_DELETE | INFO2_GENERATION | INFO2_GENERATION_GT,
        INFO3_EXISTS | INFO3_COMMIT_LEVEL_MASTER, INFO4_ON_LOCKING_ONLY
    )
    rules.write.generation = write.generation
    rules.write.ttl = write.ttl
    rules.delete = row_settings_of(
        write, OF_BATCH_DELETE, INFO2_DURABLE_DELETE | INFO2_GENERATION | INFO2_GENERATION_GT, INFO3_COMMIT_LEVEL_MASTER, 0
    )
    rules.delete.generation = write.generation
    rules.call = row_settings_of(
        write, OF_BATCH_UDF, INFO2_DURABLE_DELETE, INFO3_COMMIT_LEVEL_MASTER, INFO4_ON_LOCKING_ONLY
    )
    rules.call.ttl = write.ttl
    return rules.with_settings(settings)


cdef Settings row_settings_of(Settings write, int of, int info2, int info3, int info4):
    """What a policy of writes says of rows of one kind, which have these bits of the header."""
    cdef Settings own = Settings.__new__(Settings)
    own.of = of
    own.write = True
    own.info2 = <uint8_t>(write.info2 & info2)
    own.info3 = <uint8_t>(write.info3 & info3)
    own.info4 = <uint8_t>(write.info4 & info4)
    own.send_key = write.send_key
    own.filter_expression = write.filter_expression
    return own


cdef RowRules PLAIN_RULES = row_rules(Settings(of=OF_BATCH), Settings(), Settings(write=True))
