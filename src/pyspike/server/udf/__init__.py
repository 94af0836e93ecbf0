"""User-defined functions in Lua, of the modules that are registered.

Start in functions.py, which finds a function and has it called; rows.py is what a record is to a function,
and what becomes of its changes. Lua itself, and what functions see in it, are in pyspike.lua, which the
client shares; it comes from the package lupa, which is optional. Without it modules can't be registered and
calls fail, both with words that say what to install.
"""
