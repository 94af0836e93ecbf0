"""What pyspike does because it lives in a process with other code, which forks it and ends it.

    weak_registry   a list of weak references that a child process may read whatever other threads were doing
    lazy_imports    imports that are put off until they are needed
    members         the objects that a fork and the interpreter's exit have to see to
    fork            what happens in the child of a fork
    exit            what happens when the interpreter ends
    in_thread       calls that block, made for asyncio tasks: what tasks use imports it

Each knows those above it only.
"""
