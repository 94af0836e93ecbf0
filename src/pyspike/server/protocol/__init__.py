"""What goes over the wire: frames, messages, fields, ops, digests, and every number of the protocol.

The lowest layer: constants.py, opcodes.py, flags.py, result.py, msgpack_codes.py and security_codes.py are
the only places in the server where numbers of the protocol stand.
"""
