"""What goes over the wire: frames, messages, fields, ops, result codes, digests. The lowest layer."""
