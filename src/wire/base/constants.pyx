# Every number of the protocol that the client uses, once. Python modules take those they need from `pyspike._wire`.
#
# Not here: what the client decides itself (sizes of buffers, timeouts), result codes (`pyspike.result_code`), the special times
# to live, which do not fit in a C enum (`pyspike.values`), and the numbers of list, map, bit, HyperLogLog, string and
# expression operations (`pyspike.cdt.opcodes`).

cpdef enum:                                 # frames (framing.md 1.1)
    PROTO_VERSION = 2
    FRAME_HEADER_SIZE = 8
    COMPRESSED_HEAD_SIZE = 8                # of a compressed frame's body: the size of the frame in it
    MAX_MESSAGE = 134_217_728               # bytes of a body: the server closes the connection on more


cpdef enum:                                 # types of frames (framing.md 1.1)
    TYPE_INFO = 1
    TYPE_SECURITY = 2
    TYPE_MESSAGE = 3
    TYPE_COMPRESSED = 4                     # a frame of TYPE_MESSAGE, packed (framing.md 1.5)


cpdef enum:                                 # a message's header; offsets in the frame's body (framing.md 1.2)
    AT_HEADER_SIZE = 0
    AT_INFO1 = 1
    AT_INFO2 = 2
    AT_INFO3 = 3
    AT_INFO4 = 4
    AT_RESULT_CODE = 5
    AT_GENERATION = 6
    AT_TTL = 10                             # of an answer: the void time
    AT_TIMEOUT = 14
    AT_FIELD_COUNT = 18
    AT_OP_COUNT = 20
    MESSAGE_HEADER_SIZE = 22


cpdef enum:                                 # info1 (framing.md 1.2)
    INFO1_READ = 0x01
    INFO1_GET_ALL = 0x02
    INFO1_SHORT_QUERY = 0x04
    INFO1_BATCH = 0x08
    INFO1_GET_NO_BINS = 0x20
    INFO1_CONSISTENCY_ALL = 0x40
    INFO1_COMPRESS_RESPONSE = 0x80


cpdef enum:                                 # info2 (framing.md 1.2)
    INFO2_WRITE = 0x01
    INFO2_DELETE = 0x02
    INFO2_GENERATION = 0x04
    INFO2_GENERATION_GT = 0x08
    INFO2_DURABLE_DELETE = 0x10
    INFO2_CREATE_ONLY = 0x20
    INFO2_RELAX_AP_LONG_QUERY = 0x40
    INFO2_RESPOND_ALL_OPS = 0x80


cpdef enum:                                 # info3 (framing.md 1.2)
    INFO3_LAST = 0x01                       # of an answer: nothing follows
    INFO3_COMMIT_LEVEL_MASTER = 0x02
    INFO3_PARTITION_DONE = 0x04             # of a query: partitions may be refused one by one; of an answer: one is refused
    INFO3_UPDATE_ONLY = 0x08
    INFO3_CREATE_OR_REPLACE = 0x10
    INFO3_REPLACE_ONLY = 0x20
    INFO3_SC_STRICTER = 0x40                # with the next: how strictly one reads (strong-consistency.md 13.2)
    INFO3_SC_RELAXED = 0x80


cpdef enum:                                 # info4 (transactions.md 12.1)
    INFO4_VERIFY_READ = 0x01
    INFO4_ROLL_FORWARD = 0x02
    INFO4_ROLL_BACK = 0x04
    INFO4_ON_LOCKING_ONLY = 0x10


cpdef enum:                                 # fields (framing.md 1.3)
    FIELD_HEADER_SIZE = 5
    FIELD_NAMESPACE = 0
    FIELD_SET = 1
    FIELD_KEY = 2
    FIELD_RECORD_VERSION = 3                # this and the next: transactions.md 12.1
    FIELD_DIGEST = 4
    FIELD_TRANSACTION_ID = 5
    FIELD_TRANSACTION_DEADLINE = 6
    FIELD_QUERY_ID = 7
    FIELD_SOCKET_TIMEOUT = 9
    FIELD_RECORDS_PER_SECOND = 10
    FIELD_PARTITIONS = 11
    FIELD_DIGESTS = 12
    FIELD_MAX_RECORDS = 13
    FIELD_BVALS = 15
    FIELD_INDEX_NAME = 21
    FIELD_INDEX_RANGE = 22
    FIELD_INDEX_CONTEXT = 23
    FIELD_INDEX_EXPRESSION = 24
    FIELD_INDEX_TYPE = 26
    FIELD_UDF_MODULE = 30
    FIELD_UDF_FUNCTION = 31
    FIELD_UDF_ARGUMENTS = 32
    FIELD_UDF_KIND = 33
    FIELD_BATCH = 41
    FIELD_FILTER = 43
    FIELD_WHERE = 44                        # text that servers from 8.2 on look for an index for (server-8.2.md 17.5)
    FIELD_ERROR_DETAILS = 45


cpdef enum:                                 # a security message's header; offsets in the body (admin-and-info.md 9.1)
    AT_SECURITY_CODE = 1
    AT_SECURITY_COMMAND = 2
    AT_SECURITY_FIELD_COUNT = 3
    SECURITY_HEADER_SIZE = 16


cpdef enum:                                 # security commands (admin-and-info.md 9.1)
    SECURITY_AUTHENTICATE = 0
    SECURITY_CREATE_USER = 1
    SECURITY_DROP_USER = 2
    SECURITY_SET_PASSWORD = 3
    SECURITY_CHANGE_PASSWORD = 4
    SECURITY_GRANT_ROLES = 5
    SECURITY_REVOKE_ROLES = 6
    SECURITY_QUERY_USERS = 9
    SECURITY_CREATE_ROLE = 10
    SECURITY_DROP_ROLE = 11
    SECURITY_GRANT_PRIVILEGES = 12
    SECURITY_REVOKE_PRIVILEGES = 13
    SECURITY_SET_ALLOWLIST = 14
    SECURITY_SET_QUOTAS = 15
    SECURITY_QUERY_ROLES = 16
    SECURITY_LOGIN = 20


cpdef enum:                                 # fields of security messages (admin-and-info.md 9.1)
    SECURITY_FIELD_USER = 0
    SECURITY_FIELD_PASSWORD = 1
    SECURITY_FIELD_OLD_PASSWORD = 2
    SECURITY_FIELD_CREDENTIAL = 3
    SECURITY_FIELD_CLEAR_PASSWORD = 4
    SECURITY_FIELD_TOKEN = 5
    SECURITY_FIELD_TOKEN_TTL = 6
    SECURITY_FIELD_ROLES = 10
    SECURITY_FIELD_ROLE = 11
    SECURITY_FIELD_PRIVILEGES = 12
    SECURITY_FIELD_ALLOWLIST = 13
    SECURITY_FIELD_READ_QUOTA = 14
    SECURITY_FIELD_WRITE_QUOTA = 15
    SECURITY_FIELD_READ_INFO = 16
    SECURITY_FIELD_WRITE_INFO = 17
    SECURITY_FIELD_CONNECTIONS = 18


cpdef enum:                                 # privileges (admin-and-info.md 9.1)
    PRIVILEGE_USER_ADMIN = 0
    PRIVILEGE_SYS_ADMIN = 1
    PRIVILEGE_DATA_ADMIN = 2
    PRIVILEGE_UDF_ADMIN = 3
    PRIVILEGE_SINDEX_ADMIN = 4
    PRIVILEGE_READ = 10                     # the least that has a namespace and a set
    PRIVILEGE_READ_WRITE = 11
    PRIVILEGE_READ_WRITE_UDF = 12
    PRIVILEGE_WRITE = 13
    PRIVILEGE_TRUNCATE = 14
    PRIVILEGE_MASKING_ADMIN = 15
    PRIVILEGE_READ_MASKED = 16
    PRIVILEGE_WRITE_MASKED = 17


cpdef enum:                                 # flags of a batch (batch.md 7.1)
    BATCH_INLINE = 0x01
    BATCH_INLINE_SSD = 0x02
    BATCH_RESPOND_ALL = 0x04
    BATCH_REPORT_FAILURE = 0x08             # without RESPOND_ALL: the row that ended the batch is answered too


cpdef enum:                                 # rows of a batch: flags, and how much there is of each (batch.md 7.1, 7.2)
    ROW_REPEAT = 0x01
    ROW_HAS_INFO = 0x02                     # info2 and info3
    ROW_HAS_GENERATION = 0x04
    ROW_HAS_TTL = 0x08
    ROW_HAS_INFO4 = 0x10
    BATCH_HEAD_SIZE = 5                     # of the count and the flags in front of the rows
    AT_ROW_FLAGS = 24                       # of a row: behind its number and its digest
    AT_ROW_NUMBER = 14                      # of a row's answer: where other messages have the timeout


cpdef enum:                                 # what a query has its UDF do (query-scan.md 8.1)
    UDF_AGGREGATES = 1
    UDF_IN_BACKGROUND = 2


cpdef enum:                                 # operations; offsets from where one starts (framing.md 1.4)
    AT_OP_CODE = 4
    AT_OP_PARTICLE = 5
    AT_OP_NAME_SIZE = 7
    OP_HEADER_SIZE = 8


cpdef enum:                                 # codes of operations (framing.md 1.4)
    OP_READ = 1
    OP_WRITE = 2
    OP_CDT_READ = 3
    OP_CDT_MODIFY = 4
    OP_INCR = 5
    OP_EXP_READ = 7
    OP_EXP_MODIFY = 8
    OP_APPEND = 9
    OP_PREPEND = 10
    OP_TOUCH = 11
    OP_BITS_READ = 12
    OP_BITS_MODIFY = 13
    OP_DELETE_ALL = 14
    OP_HLL_READ = 15
    OP_HLL_MODIFY = 16
    OP_STRING_READ = 17
    OP_STRING_MODIFY = 18
    OP_TO_STRING = 19


cpdef enum:                                 # in the arguments of list and map operations
    WITH_CONTEXT = 0xFF                     # in front of the context of the operation (cdt.md 5.1)


cpdef enum:                                 # particle types (framing.md 1.4)
    PARTICLE_NULL = 0
    PARTICLE_INTEGER = 1
    PARTICLE_FLOAT = 2
    PARTICLE_STRING = 3
    PARTICLE_BLOB = 4
    PARTICLE_BOOL = 17
    PARTICLE_HLL = 18
    PARTICLE_MAP = 19
    PARTICLE_LIST = 20
    PARTICLE_GEOJSON = 23


cpdef enum:                                 # the list of digests in a transaction's monitor record (transactions.md 12.3)
    LIST_APPEND = 1
    LIST_APPEND_ITEMS = 2
    MONITOR_WRITE_FLAGS = 0x0D              # each digest once; one that is there is no failure; the others are added


cpdef enum:                                 # flags of lists and maps (values.md 3.2)
    LIST_ORDERED = 1
    MAP_KEY_ORDERED = 1
    MAP_KEY_VALUE_ORDERED = 3


cpdef enum:                                 # keys, partitions and time
    DIGEST_SIZE = 20                        # (keys-and-digests.md 2.1)
    PARTITIONS = 4096                       # of every namespace (keys-and-digests.md 2.2)
    EPOCH_2010 = 1262304000                 # the Unix time of 2010-01-01, from which void times count (framing.md 1.2)


cpdef enum:                                 # limits (framing.md 1.4, and 1.2 for times to live)
    MAX_NAMESPACE = 31                      # bytes of a namespace's name
    MAX_SET = 63                            # bytes of a set's name
    MAX_BIN_NAME = 15                       # bytes of a bin's name
    MAX_OPERATIONS = 32768                  # of a message
    MAX_BINS = 32767                        # of a record
    MAX_TTL = 315_360_000                   # seconds, which are ten years
    MAX_USER = 63                           # bytes of a user's name, and of a role's (admin-and-info.md 9.1)
    MAX_TOKEN = 16_383                      # bytes of a session's token (tls-and-auth.md 14.5)
    MAX_INDEX_NAME = 63                     # bytes of an index's name (admin-and-info.md 9.2)
    MAX_INDEX_KEY = 2047                    # bytes of a str or blob that an index can hold (query-scan.md 8.3)
    MOST_WRITES = 4096                      # records that a transaction may write (transactions.md 12.3)
    MAX_ROW_GENERATION = 0xFFFF             # a row has two bytes for it (batch.md 7.1)
    MAX_DEPTH = 256                         # of nested lists and maps, in both directions
