"""What operations and expressions share: the numbers of the protocol, checks of arguments, contexts, types.

Owns: enums and flags (`enums`), the table of all opcodes (`opcodes`), what arguments must be (`checks`), ways
into nested values (`context`), the types of expressions (`types`, `signatures`), reading packed values
(`msgpack_tree`) and showing them as the calls that make them (`describe`).

Not here: the functions that users call, which are in `pyspike.operations` and `pyspike.exp`. Nothing in this
package imports from these two.
"""
