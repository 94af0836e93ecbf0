"""Operations on lists and maps: those of CDT_READ and CDT_MODIFY, and of calls in expressions.

Start in operate.py (one operation on one value). Then, in the order of one operation: calls.py (what the
bytes ask for), context.py (which container inside the value), lists.py and maps.py (what each opcode does),
selection.py (which elements are found), results.py (what is told about them). Operations on many places at
once are in ../expressions/paths.py, the ops of a request in ../records/ops/cdt.py.
"""
