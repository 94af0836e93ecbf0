"""The wire layer of pyspike: digests, packing, messages, sockets, and the commands on one record.

One compiled module made of the parts below, in the order in which they depend on each other, so
that small functions inline across parts: a part names nothing that a later one defines. What parts import is
imported here. The module knows bytes, sockets and the leaf modules `pyspike.errors`, `pyspike.result_code`,
`pyspike.showing` and `pyspike.values`; finding and tending a cluster, and deciding what follows a failed attempt, is
done in Python.

    base/limited                    what the limited API of Python leaves out
    base/endian                     numbers in network order
    base/constants                  every number of the protocol that the client uses
    base/clock                      the monotonic clock
    base/command_kinds              the kinds of commands, as metrics tell them apart
    base/trace                      Trace: what becomes of a call that is watched
    base/fork                       what happens to sockets at a fork, and the note that this process is a child
    base/socket                     the system calls on sockets, and what they tell about a connection
    base/buffer                     a growing buffer of bytes to send
    base/frames                     splitting received bytes into frames, and taking frames out of compressed ones
    values/digest                   RIPEMD-160 of a key, and its partition
    values/intern                   a connection's cache of short texts
    values/plain_values             the str, int, float or bytes that an object stands for
    values/order                    comparing and sorting packed values in the server's order
    values/codec_table              CodecTable, by which values of other types are stored
    values/unpack                   received particles and msgpack to Python values
    values/pack                     Python values to particles and msgpack
    values/key                      Key
    values/record                   Record
    values/batch_record             BatchRecord, what came of one row of a batch
    records/shapes                  what values a field of a class takes, and what is stored of them
    records/class_plans             ClassPlan, by which records become objects of a class, and these bins again
    columns/structs                 the structs of Arrow's C data interface, and the capsules that hold them
    columns/schema                  ArrowSchema, which tells a column's name and type
    columns/column                  a column while it grows
    columns/wire_values             reading values without the GIL
    columns/json_text               values as JSON text
    columns/filling                 which column takes which value
    columns/column_plans            columns for the fields of a schema
    columns/inferring               guessing a schema of values
    columns/raw_records             reading records as they stand in an answer, without the GIL
    columns/misfits                 what becomes of a value that does not fit its column
    columns/sampling                guessing the columns that records need
    columns/arrays                  columns given away as Arrow's arrays
    columns/columns                 Columns: records in, batches of columns out
    columns/raw_rows                RawRows: records of a batch as they came, for columns in the order of the rows
    columns/taking                  TakenColumns: batches of columns that another library gives
    columns/packing                 the values of such columns to particles and msgpack
    requests/arguments              checking timeouts, times to live, generations and filter expressions
    requests/settings               Settings, the compiled form of a policy
    requests/dynamic_settings       DynamicSettings, in which a configuration file changes what policies say
    requests/row_rules              RowRules, by which the rows of batches are sent
    requests/operation              Operation, and the encoding of one operation
    requests/declared_function      functions that are declared in Python and run compiled: binding of arguments
    requests/operation_functions    the functions of `pyspike.operations`: packing their arguments; contexts
    requests/fields                 the header and the fields of a request
    requests/record_requests        the requests about one record
    requests/udf_requests           calls of functions that are registered on the servers
    requests/batch_rows             the rows of a batch as users make them, and what a row asks
    requests/batch_sources          the rows of a call, which are taken some at a time
    requests/column_rows            rows of columns, packed to be rows of batches
    requests/transaction_requests   what requests have more in a transaction, and those about its monitor and its end
    requests/batch_requests         Batch: its rows, what is known of them, and the requests that are made of some
    requests/index_filter           IndexFilter, the `where` of a query
    requests/statement              Statement, which a query asks for
    requests/query_partitions       how far a query is with each of its partitions
    requests/query_cursor           the same as bytes that a query can go on from
    requests/query_requests         Query, and the requests for some of its partitions
    readers/reader                  Reader, which turns the frames of an answer into what a command gives
    readers/message                 reading the header, fields and operations of a message
    readers/record_readers          the readers of the answers to commands on one record
    readers/record_tuples           RecordTuples, which makes tuples and dicts of records
    readers/typed_readers           reading records as objects of classes
    readers/udf_reader              reading what functions on the servers give
    readers/batch_reader            the reader of the answer to a batch
    readers/transaction_readers     those of answers in transactions, which note versions
    readers/query_reader            the reader of answers to a query
    readers/column_reader           the same, into columns
    readers/aggregate_reader        the reader of answers to an aggregation
    readers/fields_reader           the reader of answers that have fields only
    nodes/breaker                   Breaker, which counts a node's errors and refuses it commands when there are too many
    nodes/meter                     Meter: what the attempts of commands on a node came to
    nodes/node                      Node, its limits and its counters
    nodes/partitions                PartitionMap, and choosing the node for a command
    command                         Command: a request, a reader, a partition, and the state of its attempts
    attempt_counts                  counting what came of attempts
    attempt_limits                  beginning an attempt, its share of the deadline, and the history of failed ones
    record_commands                 making the commands on one record
    batch_commands                  making batches and their commands, choosing their nodes, and what comes of their rows
    batch_groups                    the rows of a stream, in groups for a node each
    transaction_commands            making those of transactions, and making others part of one
    query_commands                  making those of a query, a node's partitions in each
    background_commands             making those of queries that a node runs by itself
    threads/tls                     sealing and opening the bytes of a blocking connection with TLS
    threads/transport               sending and receiving bytes on a blocking socket in time, without the GIL
    threads/timeouts                how long it waits: setting the socket's own time-outs
    threads/exchange                sending a request and receiving the frames of its answer
    threads/connection              Connection, of one thread at a time
    threads/pool                    Pool, the connections of threads to one node
    threads/attempt                 one attempt of a command of a thread
    threads/exchanges               requests of a thread to several nodes at once: one poll over their sockets
    threads/batch_executor          running batches for a thread
    threads/batch_stream            BatchStream, for threads: rows in, outcomes out, a bounded number under way
    threads/gate                    a lock for what threads share and use record by record
    threads/recordset               Recordset, for threads: the records of a query, pulled out of the nodes' sockets
    threads/column_stream           ColumnStream and its batches, for Python code and for other libraries
    threads/query_columns           the rows of a stream that a query gives
    threads/batch_columns           those of one that reads records by their keys
    threads/memory_columns          those of records in memory
    threads/column_writer           writing rows of columns, a bounded number under way
    threads/aggregation             having several nodes aggregate records
    threads/executor                ThreadExecutor, which runs commands for threads
    tasks/fifo                      a queue of objects
    tasks/future                    Future, which a task awaits, and waking tasks
    tasks/slices                    long work of a loop, in slices
    tasks/failures                  the failed attempts of a loop that are yet to be dealt with
    tasks/pipeline                  Pipeline, a connection with many commands in flight
    tasks/waiting                   the line of commands that wait for room on a channel's connections
    tasks/channel                   Channel, the connections of one loop to one node
    tasks/deadlines                 timing commands out in a loop
    tasks/coroutine                 the coroutine of a command; what cancelling does
    tasks/loop_executor             LoopExecutor, all channels of a client in one loop: choosing the channel
    tasks/row_requests              the requests of a loop for rows of batches, and their connections
    tasks/batch_executor            running a batch for a task
    tasks/batch_stream              AsyncBatchStream, for tasks: rows in, outcomes out, a bounded number under way
    tasks/recordset                 AsyncRecordset, for tasks: the records of a query, pulled out of the nodes' sockets
    tasks/executor                  AsyncExecutor: choosing the loop
    watched_executor                WatchedExecutor, which hands calls to who watches them
    transaction_executor            TransactionExecutor, which has all calls take part in a transaction
    client_methods                  the methods of both clients for commands on one record
    batch_methods                   the methods of both clients for batches
    constructors                    naming the class in errors of wrong constructor arguments
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_READ, PyBUF_STRIDES, PyBUF_WRITE, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.contextvars cimport PyContext_CopyCurrent
from cpython.dict cimport PyDict_CheckExact, PyDict_Keys, PyDict_SetItem, PyDict_Size, PyDict_Values
from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.number cimport PyIndex_Check, PyNumber_Index
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_Destructor, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeUTF8
from libc.errno cimport EAGAIN, EINTR, EINVAL, EIO, ENOMEM, errno
from libc.stdint cimport (
    INT32_MAX, INT32_MIN, INT64_MAX, UINT64_MAX, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)
from libc.string cimport memcmp, memcpy, memmove, memset, strerror, strlen
from libc.stdlib cimport qsort
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.types cimport suseconds_t, time_t
from posix.unistd cimport close as close_fd

import datetime
from _thread import get_ident
from collections.abc import Mapping as MappingABC
from itertools import islice
from os import dup2, urandom as random_bytes
from sys import intern as sys_intern
from threading import Lock
from time import sleep, time as wall_time
from types import GenericAlias
from weakref import WeakKeyDictionary, ref

from pyspike import errors
from pyspike.result_code import ResultCode
from pyspike.showing import clipped, shown
from pyspike.values import (
    Expiration, GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, MultiResult, OrderedList, RawParticle,
    Special,
)

include "wire/base/limited.pyx"
include "wire/base/endian.pyx"
include "wire/base/constants.pyx"
include "wire/base/clock.pyx"
include "wire/base/command_kinds.pyx"
include "wire/base/trace.pyx"
include "wire/base/fork.pyx"
include "wire/base/socket.pyx"
include "wire/base/buffer.pyx"
include "wire/base/frames.pyx"
include "wire/values/digest.pyx"
include "wire/values/intern.pyx"
include "wire/values/plain_values.pyx"
include "wire/values/order.pyx"
include "wire/values/codec_table.pyx"
include "wire/values/unpack.pyx"
include "wire/values/pack.pyx"
include "wire/values/key.pyx"
include "wire/values/record.pyx"
include "wire/values/batch_record.pyx"
include "wire/records/shapes.pyx"
include "wire/records/class_plans.pyx"
include "wire/columns/structs.pyx"
include "wire/columns/schema.pyx"
include "wire/columns/column.pyx"
include "wire/columns/wire_values.pyx"
include "wire/columns/json_text.pyx"
include "wire/columns/filling.pyx"
include "wire/columns/column_plans.pyx"
include "wire/columns/inferring.pyx"
include "wire/columns/raw_records.pyx"
include "wire/columns/misfits.pyx"
include "wire/columns/sampling.pyx"
include "wire/columns/arrays.pyx"
include "wire/columns/columns.pyx"
include "wire/columns/raw_rows.pyx"
include "wire/columns/taking.pyx"
include "wire/columns/packing.pyx"
include "wire/requests/arguments.pyx"
include "wire/requests/settings.pyx"
include "wire/requests/dynamic_settings.pyx"
include "wire/requests/row_rules.pyx"
include "wire/requests/operation.pyx"
include "wire/requests/declared_function.pyx"
include "wire/requests/operation_functions.pyx"
include "wire/requests/fields.pyx"
include "wire/requests/record_requests.pyx"
include "wire/requests/udf_requests.pyx"
include "wire/requests/batch_rows.pyx"
include "wire/requests/batch_sources.pyx"
include "wire/requests/column_rows.pyx"
include "wire/requests/transaction_requests.pyx"
include "wire/requests/batch_requests.pyx"
include "wire/requests/index_filter.pyx"
include "wire/requests/statement.pyx"
include "wire/requests/query_partitions.pyx"
include "wire/requests/query_cursor.pyx"
include "wire/requests/query_requests.pyx"
include "wire/readers/reader.pyx"
include "wire/readers/message.pyx"
include "wire/readers/record_readers.pyx"
include "wire/readers/record_tuples.pyx"
include "wire/readers/typed_readers.pyx"
include "wire/readers/udf_reader.pyx"
include "wire/readers/batch_reader.pyx"
include "wire/readers/transaction_readers.pyx"
include "wire/readers/query_reader.pyx"
include "wire/readers/column_reader.pyx"
include "wire/readers/aggregate_reader.pyx"
include "wire/readers/fields_reader.pyx"
include "wire/nodes/breaker.pyx"
include "wire/nodes/meter.pyx"
include "wire/nodes/node.pyx"
include "wire/nodes/partitions.pyx"
include "wire/command.pyx"
include "wire/attempt_counts.pyx"
include "wire/attempt_limits.pyx"
include "wire/record_commands.pyx"
include "wire/batch_commands.pyx"
include "wire/batch_groups.pyx"
include "wire/transaction_commands.pyx"
include "wire/query_commands.pyx"
include "wire/background_commands.pyx"
include "wire/threads/tls.pyx"
include "wire/threads/transport.pyx"
include "wire/threads/timeouts.pyx"
include "wire/threads/exchange.pyx"
include "wire/threads/connection.pyx"
include "wire/threads/pool.pyx"
include "wire/threads/attempt.pyx"
include "wire/threads/exchanges.pyx"
include "wire/threads/batch_executor.pyx"
include "wire/threads/batch_stream.pyx"
include "wire/threads/gate.pyx"
include "wire/threads/recordset.pyx"
include "wire/threads/column_stream.pyx"
include "wire/threads/query_columns.pyx"
include "wire/threads/batch_columns.pyx"
include "wire/threads/memory_columns.pyx"
include "wire/threads/column_writer.pyx"
include "wire/threads/aggregation.pyx"
include "wire/threads/executor.pyx"
include "wire/tasks/fifo.pyx"
include "wire/tasks/future.pyx"
include "wire/tasks/slices.pyx"
include "wire/tasks/failures.pyx"
include "wire/tasks/pipeline.pyx"
include "wire/tasks/waiting.pyx"
include "wire/tasks/channel.pyx"
include "wire/tasks/deadlines.pyx"
include "wire/tasks/coroutine.pyx"
include "wire/tasks/loop_executor.pyx"
include "wire/tasks/row_requests.pyx"
include "wire/tasks/batch_executor.pyx"
include "wire/tasks/batch_stream.pyx"
include "wire/tasks/recordset.pyx"
include "wire/tasks/executor.pyx"
include "wire/watched_executor.pyx"
include "wire/transaction_executor.pyx"
include "wire/client_methods.pyx"
include "wire/batch_methods.pyx"
include "wire/constructors.pyx"
