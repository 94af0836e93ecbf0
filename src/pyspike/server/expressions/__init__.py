"""Expressions: filters of requests, the ops EXP_READ and EXP_MODIFY, and expressions inside paths.

Start in build.py (from bytes to a tree that can be run) and vocabulary.py (what a tree consists of). Each of
logic.py, comparison.py, arithmetic.py, record.py, calls.py and strings.py has the opcodes of one subject.
evaluation.py runs those that are filters, ../records/ops/expressions.py those of ops, and ../queries/keys.py
those that indexes are of.
"""
