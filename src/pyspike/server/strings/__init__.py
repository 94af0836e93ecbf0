"""String operations (server 8.2): the ops STRING_READ, STRING_MODIFY and TO_STRING.

Start in ops.py (the ops of a request) and operate.py (one operation on one text, also for expressions).
reading.py and changing.py have the opcodes; matching.py finds text that is written in another way, regex.py
runs patterns of ICU's dialect.
"""
