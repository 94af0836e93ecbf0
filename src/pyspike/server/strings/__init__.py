"""String operations (server-8.2.md 17.2).

Start in operate.py (one operation on one text). reading.py and changing.py have the opcodes; matching.py
finds text in other text, regex.py runs patterns of ICU's dialect. The ops of a request are in
../records/ops/strings.py.
"""
