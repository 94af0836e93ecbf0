"""Expressions: filters of requests, the ops EXP_READ and EXP_MODIFY, and expressions inside paths.

Start in build.py (from bytes to a tree that can be run) and nodes.py (what a tree is made of). Each of
logic.py, comparison.py, arithmetic.py, record.py and calls.py has the opcodes of one subject; ops.py has the
ops of a request.
"""
