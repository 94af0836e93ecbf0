"""Lua for user-defined functions: what they find on a server, and in a client that aggregates.

Neither the client's nor the embedded server's: both run functions here, as on real clusters the same library
is in both. Values come in and go out of the interpreter as the bytes of particles, so no encoding is shared.
Lua itself comes from the package lupa, which is optional.

    library/      what functions see, in Lua
    interpreter   an interpreter with that library, and calling functions in it
    aggregation   the client's part of an aggregation
"""
