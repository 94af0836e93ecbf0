"""Which node is asked for what, where a call concerns many keys, and what is asked again; no I/O."""
