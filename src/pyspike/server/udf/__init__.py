"""User-defined functions in Lua.

Lua itself comes from the package lupa, which is optional: without it, modules can't be registered and calls
fail, both with words that say what to install.
"""
