"""Lists and maps: the operations of op codes 3 and 4, and of calls inside expressions.

Start in operate.py (one operation on one value) and ops.py (the ops of a request). Then, in the order of one
operation: calls.py (what the bytes ask for), context.py (the container inside the value that is meant),
lists.py and maps.py (what each opcode does), selection.py (which elements are meant), results.py (what is
told about them). Operations on many places at once are in ../expressions/paths.py.
"""
