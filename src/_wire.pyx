"""The wire layer of pyspike: digests, packing, messages, sockets, and the commands on one record.

One compiled module made of the parts below, in the order in which they depend on each other, so
that small functions inline across parts: a part names nothing that a later one defines. What parts import is
imported here. The module knows bytes, sockets and the leaf modules `pyspike.errors`, `pyspike.result_code`,
`pyspike.showing` and `pyspike.values`; how a cluster is found and looked after, and what a failed attempt means for the
next, is Python's.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.contextvars cimport PyContext_CopyCurrent, PyContext_Enter, PyContext_Exit
from cpython.dict cimport PyDict_CheckExact, PyDict_Keys, PyDict_SetItem, PyDict_Size
from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.number cimport PyIndex_Check, PyNumber_Index
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeUTF8
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport (
    INT64_MAX, int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)
from libc.string cimport memcmp, memcpy, memmove, memset, strerror
from libc.stdlib cimport qsort
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.types cimport suseconds_t, time_t
from posix.unistd cimport close as close_fd

import datetime
from _thread import get_ident
from collections.abc import Mapping as MappingABC
from os import dup2
from sys import intern as sys_intern
from threading import Lock
from time import time as wall_time
from weakref import ref

from pyspike import errors
from pyspike.result_code import ResultCode
from pyspike.showing import clipped, shown
from pyspike.values import (
    Expiration, GeoJSON, HyperLogLog, KeyOrderedDict, KeyValueOrderedDict, MultiResult, OrderedList, RawParticle,
    Special,
)

include "wire/base/endian.pyx"
include "wire/base/constants.pyx"
include "wire/base/clock.pyx"
include "wire/base/fork.pyx"
include "wire/base/socket.pyx"
include "wire/base/buffer.pyx"
include "wire/base/frames.pyx"
include "wire/values/digest.pyx"
include "wire/values/intern.pyx"
include "wire/values/plain_values.pyx"
include "wire/values/order.pyx"
include "wire/values/unpack.pyx"
include "wire/values/pack.pyx"
include "wire/values/key.pyx"
include "wire/values/record.pyx"
include "wire/requests/arguments.pyx"
include "wire/requests/settings.pyx"
include "wire/requests/operation.pyx"
include "wire/requests/declared_function.pyx"
include "wire/requests/operation_functions.pyx"
include "wire/requests/fields.pyx"
include "wire/requests/record_requests.pyx"
include "wire/readers/reader.pyx"
include "wire/readers/message.pyx"
include "wire/readers/record_readers.pyx"
include "wire/nodes/node.pyx"
include "wire/nodes/partitions.pyx"
include "wire/command.pyx"
include "wire/attempt.pyx"
include "wire/record_commands.pyx"
include "wire/threads/transport.pyx"
include "wire/threads/exchange.pyx"
include "wire/threads/connection.pyx"
include "wire/threads/pool.pyx"
include "wire/threads/executor.pyx"
include "wire/tasks/fifo.pyx"
include "wire/tasks/future.pyx"
include "wire/tasks/failures.pyx"
include "wire/tasks/pipeline.pyx"
include "wire/tasks/waiting.pyx"
include "wire/tasks/channel.pyx"
include "wire/tasks/deadlines.pyx"
include "wire/tasks/coroutine.pyx"
include "wire/tasks/executor.pyx"
include "wire/client_methods.pyx"
include "wire/constructors.pyx"
