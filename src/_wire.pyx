"""The wire layer of pyspike: digests, packing, messages, sockets.

One compiled module made of the parts below, in the order in which they depend on each other, so
that small functions inline across parts. It knows bytes, sockets and the leaf modules
`pyspike.errors`, `pyspike.result_code` and `pyspike.values`; it knows nothing of clients or clusters.
"""

include "wire/imports.pyx"
include "wire/bytes.pyx"
include "wire/buffer.pyx"
include "wire/digest.pyx"
include "wire/names.pyx"
include "wire/pack.pyx"
include "wire/unpack.pyx"
include "wire/key.pyx"
include "wire/record.pyx"
include "wire/settings.pyx"
include "wire/operation.pyx"
include "wire/command.pyx"
include "wire/request.pyx"
include "wire/answer.pyx"
include "wire/connection.pyx"
include "wire/pool.pyx"
include "wire/partitions.pyx"
include "wire/attempt.pyx"
