"""Writes src/pyspike/_wire.pyi, the types and docstrings of the compiled module, out of its sources.

    python tools/stubs.py            writes the stub
    python tools/stubs.py --check    ends with 1 if it is not what would be written, and says where

A signature is told once, in `src/wire`: the Python annotations of `def` are taken as they are, C types are
translated. Two things are derived: the parameters `default: T = RAISE`, `into: type[U] = None` and
`returning: type[Written] = None` make two overloads each, without them and with them, so does the `into` of a
`BatchRead`, and `AsyncCommands` has the methods of `Commands` as coroutines. The rules for what a source may
look like are those of the house's style: a header is closed by `:` at the end of a line, and members are
indented by 4.
"""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "src" / "_wire.pyx"
STUB = ROOT / "src" / "pyspike" / "_wire.pyi"

HEAD = '"""Types of the compiled wire layer. Written by tools/stubs.py out of src/wire: change it there."""'

# Classes that Python code never names: queues, tables inside others, and what stands for something missing.
INTERNAL = {
    *(
        "AggregateExchanges",
        "AggregateReader",
        "Ask",
        "BatchColumns",
        "BatchFuture",
        "BatchReader",
        "BatchExchanges",
        "ColumnExport",
        "ColumnReader",
        "ColumnSource",
        "Exchanges",
        "Job",
        "Keeper",
        "KeySource",
        "LoopBatch",
        "LoopRows",
        "LoopStream",
        "LoopQuery",
        "MemoryColumns",
        "PackedRows",
        "PartitionsRequest",
        "QueryColumns",
        "QueryExchanges",
        "QueryRequests",
        "Gate",
        "NodeRequest",
        "NodeRequests",
        "WriterExchanges",
        "RowGroup",
        "RowRequests",
        "StreamExchanges",
        "TakenItems",
        "ChannelBase",
        "Fifo",
        "FieldsReader",
        "FramesReader",
        "NamespaceMap",
        "NodeCounters",
        "OutcomeReader",
        "Part",
        "RawRows",
    ),
    *("ShapeError", "Unfit", "WrittenReader", "TypedReader", "TypedResultsReader"),
    *("MonitorReader", "NotingBatchReader", "NotingReader", "RowsInTransaction", "TransactionFields"),
    *("Reader", "RecordReader", "ResultsReader", "Sign", "Unopened", "Waiter"),
    *("RecordsToPut", "RowSource", "UserRows", "WaitingBlock", "WaitingQueue"),
}
# What type checkers are told as a class, of classes that are registered as one.
BASES = {
    "Record": "Mapping[str, Any]",
    "Recordset": "Generic[R]",
    "AsyncRecordset": "Generic[R]",
    # Of what the `value` of an outcome is.
    "AsyncBatchStream": "Generic[V]",
    "BatchDelete": "BatchRow[None]",
    "BatchRead": "BatchRow[V | None]",
    "BatchRecord": "Generic[V]",
    "BatchRow": "Generic[V]",
    "BatchStream": "Generic[V]",
    "BatchUDF": "BatchRow[Any]",
    "BatchWrite": "BatchRow[None]",
}
TWINS = {"AsyncCommands": "BatchCommands"}  # a class with the methods of another one, as coroutines
SPECIAL = {
    *("__init__", "__new__", "__call__", "__hash__", "__eq__", "__bool__", "__enter__", "__exit__"),
    *("__await__", "__getitem__", "__contains__", "__iter__", "__len__", "__next__"),
    *("__arrow_c_schema__", "__arrow_c_array__", "__arrow_c_stream__"),
    *("__aenter__", "__aexit__", "__aiter__", "__anext__"),
}
C_TYPES = {
    **dict.fromkeys(("int", "Py_ssize_t", "size_t", "int32_t", "int64_t", "unsigned int"), "int"),
    **dict.fromkeys(("uint8_t", "uint16_t", "uint32_t", "uint64_t"), "int"),
    "double": "float",
    "bint": "bool",
    "object": "Any",
    "void": "None",
    "ChannelBase": "Channel",
    **{name: name for name in ("str", "bytes", "bool", "float")},
    "list": "list[Any]",
    "dict": "dict[str, Any]",
    "tuple": "tuple[Any, ...]",
    "frozenset": "frozenset[Any]",
}
# What the C types of fields do not say.
FIELDS = {
    "ArrowSchema.dictionary": "ArrowSchema | None",
    "ArrowSchema.fields": "tuple[ArrowSchema, ...]",
    "ColumnStream.error": "BaseException | None",
    "Columns.schema": "ArrowSchema | None",
    "Batch.errors": "dict[int, AerospikeError]",
    "Batch.records": "list[Record | None]",
    "Routes.found": "list[NodeRows]",
    "Routes.lost": "list[tuple[int, AerospikeError | None]]",
    "Batch.name": "str | None",
    "LoopExecutor.batches": "set[Any]",
    "LoopExecutor.streams": "set[Any]",
    "BatchRead.bins": "tuple[str, ...] | None",
    "BatchRead.into": "type[V] | None",
    "ClassPlan.bins": "tuple[str, ...] | None",
    "ClassPlan.fields": "tuple[PlannedField, ...]",
    "BatchRead.operations": "tuple[Operation, ...] | None",
    "BatchRecord.error": "AerospikeError | None",
    "BatchRecord.record": "Record | None",
    "BatchRecord.result_code": "ResultCode | None",
    "BatchRow.policy": "BatchReadPolicy | BatchWritePolicy | BatchDeletePolicy | BatchUDFPolicy | None",
    "BatchDelete.generation": "int | None",
    "BatchWrite.generation": "int | None",
    "BatchUDF.args": "tuple[Any, ...]",
    "BatchUDF.ttl": "Ttl | None",
    "BatchWrite.ttl": "Ttl | None",
    "BatchWrite.operations": "tuple[Operation, ...]",
    "Command.history": "list[Attempt] | None",
    "Command.key": "Key | None",
    "Node.pool": "Pool",
    "Trace.events": "list[tuple[int, Attempt, tuple[float, float, float, float]]]",
    "Trace.node": "str | None",
    "IndexFilter.begin": "int | str | bytes",
    "IndexFilter.bin": "str | None",
    "IndexFilter.context": "bytes | None",
    "IndexFilter.end": "int | str | bytes",
    "IndexFilter.expression": "bytes | None",
    "IndexFilter.index": "str | None",
    "Key.user_key": "int | str | bytes | RawParticle | None",
    "PartitionMap.displaced": "frozenset[Any]",
    "Statement.bins": "tuple[str, ...] | None",
    "Statement.operations": "tuple[Operation, ...] | None",
    "Statement.where": "IndexFilter | None",
    "Settings.as_read": "Settings | None",
    "Settings.filter_expression": "bytes | None",
    "Argument.also": "tuple[str, ...]",
    "Argument.check": "Callable[..., object]",
    "Argument.exact": "tuple[type, ...] | None",
    "Argument.parameters": "tuple[str, ...]",
    "DeclaredFunction.declaration": "Callable[..., Any]",
    "DeclaredFunction.parameters": "tuple[str, ...]",
    "AsyncExecutor.executors": "dict[asyncio.AbstractEventLoop, Any]",
    "Channel.large": "dict[tuple[str, str], int]",
    "LoopExecutor.large": "dict[tuple[str, str], int]",
}
# What the C types of functions do not say that are called from C too.
RETURNS = {
    "numpy_scalar": "bool | float | None",
    "plain_bytes": "bytes | None",
    "plain_int": "int | None",
    "plain_number": "int | float | None",
    "plain_text": "str",
}
FIELD_NAMES = {"loop": "asyncio.AbstractEventLoop"}  # of any class
# Where a name of an annotation comes from; all others are defined in the stub itself or built in.
IMPORTED = {
    "builtins": {"builtins"},
    "asyncio": {"asyncio"},
    "datetime": {"datetime"},
    "socket": {"socket"},
    "ssl": {"ssl"},
    "collections.abc": {
        *(
            "AsyncIterable",
            "Callable",
            "Collection",
            "Coroutine",
            "Generator",
            "ItemsView",
            "Iterable",
            "Iterator",
            "KeysView",
        ),
        *("Mapping", "Sequence", "ValuesView"),
    },
    "contextvars": {"Context"},
    "types": {"TracebackType"},
    "typing": {"Any", "Generic", "Protocol", "TypeAlias", "final", "overload"},
    "typing_extensions": {"TypeVar"},  # with a default, which every type checker knows without the package
    "weakref": {"ref"},
    "pyspike.batch": {"BatchResults"},
    "pyspike.transaction": {"Transaction"},
    "pyspike.query": {"Cursor"},
    "pyspike._types": {"Bins", "Filter", "KeyLike", "Milliseconds", "Ttl"},
    "pyspike.errors": {"AerospikeError", "Attempt"},
    "pyspike.values": {"RawParticle"},
    "pyspike.policy": {
        "BatchPolicy",
        "BatchDeletePolicy",
        "BatchReadPolicy",
        "BatchUDFPolicy",
        "BatchWritePolicy",
        "ReadPolicy",
        "WritePolicy",
    },
    "pyspike.result_code": {"ResultCode"},
}


# Parameters that make two overloads of a signature, without them and with them. What is returned differs: it
# has the first of the texts without the parameter, and the second with it.
CHOICES = {
    r"\bdefault: (T) = \w+(, )?": (" | T", ""),
    r"\binto: (type\[U\]) = None(, )?": ("Record", "U"),
    r"\breturning: (type\[Written\]) = None(, )?": ("", ""),
    r"\bself\b(?=.*\binto: type\[V\] )": ("BatchRead[None]", "BatchRead[U]"),  # of its constructor
}
LITERAL = r"-?[\d_.]+|None|True|False|\".*\"|\(\)"


class SourceError(Exception):
    """A source is not as the rules say."""


@dataclass
class Function:
    """A function or a method, as its source tells it."""

    name: str
    parameters: str  # as in Python
    returns: str
    doc: str
    marks: list[str] = field(default_factory=list)
    own: bool = False  # of a class with the methods of another one, which has this one as it stands
    waits: bool = False  # whether its source has it as a coroutine

    def lines(self, *, asynchronous: bool = False) -> Iterator[str]:
        """Its lines in a stub, those of its overloads if it has any."""
        plain = self.name.startswith("__") or "@property" in self.marks
        waits = self.waits or (asynchronous and not plain)
        keyword = "async def" if waits else "def"
        for marks, parameters, returns, doc in self._variants():
            yield from marks
            head = f"{keyword} {self.name}({parameters}) -> {returns}:"
            if not doc:
                yield f"{head} ..."
                continue
            yield head
            yield textwrap.indent(quoted(doc), "    ")

    def _variants(self) -> Iterator[tuple[list[str], str, str, str]]:
        found = [(self.parameters, self.returns)]
        for pattern, left_out in CHOICES.items():
            found = [each for one in found for each in chosen(*one, pattern, left_out)]
        marks = self.marks if len(found) == 1 else ["@overload"]
        for parameters, returns in found:
            yield marks, parameters, returns, self.doc


@dataclass
class Class:
    """A class, as its source tells it."""

    name: str
    bases: str
    final: bool
    doc: str
    members: list[Function | str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Its lines in a stub."""
        if self.final:
            yield "@final"
        yield f"class {self.name}({self.bases}):" if self.bases else f"class {self.name}:"
        body = [quoted(self.doc)] if self.doc else []
        for member in self.members:
            if isinstance(member, str):
                body.append(member)
            else:
                body += member.lines(asynchronous=self.name in TWINS and not member.own)
        yield textwrap.indent("\n".join(body or ["..."]), "    ")


def chosen(parameters: str, returns: str, pattern: str, texts: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """The parameters and what is returned, without a parameter of `CHOICES` and with it, if it is there."""
    found = re.search(pattern, parameters)
    if found is None:
        yield parameters, returns
        return
    name = found[0].partition(":")[0]
    if name == "self":
        for itself, into in zip(texts, ("None = None", "type[U] | None"), strict=True):
            typed = parameters.replace("self", f"self: {itself}", 1)
            yield typed.replace("into: type[V] | None = None", f"into: {into}"), returns
        return
    without = parameters.replace(found[0], "").removesuffix(", ")
    required = parameters.replace(found[0], f"{name}: {found[1]}{found[2] or ''}")
    if name == "default":
        yield without, returns.replace(texts[0], texts[1])
        yield required, returns
    elif name == "returning":
        yield without, "None"
        yield required, returns.removesuffix(" | None")
    else:
        yield without, returns
        yield required, re.sub(rf"\b{texts[0]}\b", texts[1], returns)


def quoted(doc: str) -> str:
    """A docstring as it stands in a source."""
    mark = "r" if "\\" in doc else ""
    return f'{mark}"""{doc}"""' if "\n" not in doc else f'{mark}"""{doc}\n"""'


# Reading ----------------------------------------------------------------------------------------------------


def parts() -> list[Path]:
    """The sources in the order in which they are included."""
    included = re.findall(r'^include "(.+)"$', MODULE.read_text(encoding="utf-8"), re.MULTILINE)
    return [MODULE.parent / name for name in included]


def bare(line: str) -> str:
    """A line without its comment; there is no `#` in the texts of headers."""
    return line.split("#")[0].rstrip()


class Reader:
    """Goes through the lines of a source."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = path.read_text(encoding="utf-8").splitlines()
        self.at = 0

    def header(self) -> str:
        """The header that begins on this line, on one line; the next line is behind it."""
        text = ""
        while True:
            text += " " + bare(self.rows[self.at]).strip()
            self.at += 1
            if text.endswith(":"):
                return text.strip().removesuffix(":")
            if self.at == len(self.rows):
                raise SourceError(f"{self.path}: a header has no end: {text}")

    def doc(self) -> str:
        """The docstring that begins on this line, or an empty one."""
        row = self.rows[self.at].strip() if self.at < len(self.rows) else ""
        if not row.startswith('"""'):
            return ""
        start = self.at
        while not (self.rows[self.at].rstrip().endswith('"""') and (self.at > start or len(row) > 5)):
            self.at += 1
        self.at += 1
        text = "\n".join(self.rows[start : self.at]).strip().removeprefix('"""').removesuffix('"""')
        text = text.replace("\\n", "\n").rpartition("\n--\n\n")[2]  # without a signature, which is for `help`
        first, _, rest = text.partition("\n")
        return (first + "\n" + textwrap.dedent(rest)).strip() if rest else first

    def definitions(self) -> Iterator[Class | Function | str]:
        """What the source defines for Python, in order."""
        marks: list[str] = []
        while self.at < len(self.rows):
            row = self.rows[self.at]
            if row.startswith("@"):
                marks.append(bare(row))
                self.at += 1
            elif match := re.match(r"cdef class (\w+)", row):
                yield self.a_class(match[1], marks)
                marks = []
            elif row.startswith("cpdef enum"):
                yield from self.an_enum()
            elif row.startswith("def ") or (row.startswith("cpdef ") and "(" in row):
                yield self.a_function([])
            else:
                if match := re.match(r"([A-Z_]+) = [A-Z_]+$", row):
                    yield f"{match[1]}: object"
                marks = []
                self.at += 1

    def an_enum(self) -> Iterator[str]:
        """The constants of an enum without a name, which are ints."""
        self.header()
        while self.at < len(self.rows) and (not self.rows[self.at] or self.rows[self.at].startswith(" ")):
            if match := re.match(r"    (\w+)( = |$|,)", bare(self.rows[self.at])):
                yield f"{match[1]}: int"
            self.at += 1

    def a_class(self, name: str, marks: list[str]) -> Class:
        """The class whose header is on this line."""
        header = self.header()
        bases = header.partition("(")[2].rstrip(")")
        found = Class(name, BASES.get(name, bases), "@cython.final" in marks, self.doc())
        made = ""
        inner: list[str] = []
        while self.at < len(self.rows) and (
            not self.rows[self.at] or self.rows[self.at].startswith((" ", "#"))
        ):
            row = self.rows[self.at]
            if row.startswith("    @"):
                inner.append(bare(row).strip())
                self.at += 1
            elif row.startswith(("    def ", "    async def ")):
                method = self.a_function(inner)
                inner = []
                if method.name in ("__cinit__", "__init__"):
                    if made == "__init__":
                        continue
                    found.members = [each for each in found.members if not is_constructor(each)]
                    made = method.name
                    method.name, method.doc = "__init__", ""
                    # A class with subclasses may have another `__init__` in each.
                    if made == "__cinit__" and not found.final:
                        method.name, method.returns = "__new__", "T"
                        method.parameters = method.parameters.replace("self", "cls: builtins.type[T]", 1)
                if not method.name.startswith("_") or method.name in SPECIAL:
                    found.members.append(method)
            else:
                inner = []
                found.members += attributes(name, bare(row))
                self.at += 1
        return found

    def a_function(self, marks: list[str]) -> Function:
        """The function or method whose header is on this line."""
        header = self.header()
        shown = [mark for mark in marks if not mark.startswith("@cython.")]
        if match := re.fullmatch(r"(async )?def (\w+)\((.*)\) -> (.+)", header):
            waits = match[1] is not None
            taken = parameters(match[3], self.path)
            return Function(match[2], taken, match[4], self.doc(), shown, waits=waits)
        if match := re.fullmatch(
            r"cpdef ([\w ]+) (\w+)\((.*)\)( noexcept| except[? ]*[-\w]+)?( nogil)?", header
        ):
            returns = RETURNS.get(match[2]) or python_type(match[1])
            return Function(match[2], parameters(match[3], self.path), returns, self.doc(), shown)
        raise SourceError(f"{self.path}: no annotation of what is returned: {header}")


def is_constructor(member: Function | str) -> bool:
    """Whether a member of a class is its `__init__` or `__new__`."""
    return isinstance(member, Function) and member.name in ("__init__", "__new__")


def split(text: str) -> list[str]:
    """Parameters, which commas separate that are in no brackets."""
    found, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()] if text[start:].strip() else found


def parameters(text: str, where: Path) -> str:
    """The parameters of a header, with C types as annotations."""
    return ", ".join(parameter(each, where) for each in split(text))


def parameter(text: str, where: Path) -> str:
    """One parameter of a header, with a C type as an annotation."""
    if text in ("self", "cls", "*", "/") or re.match(r"\*{0,2}\w+: ", text):
        return text
    match = re.fullmatch(r"(?P<kind>[\w ]+?) (?P<name>\w+)(?: not None)?(?:=(?P<default>.+))?", text)
    if match is None:
        raise SourceError(f"{where}: no type of a parameter: {text}")
    kind = python_type(match["kind"])
    if match["default"] == "None" and kind != "Any":
        kind += " | None"
    default = match["default"]
    if default and not re.fullmatch(LITERAL, default):
        default = "..."
    return f"{match['name']}: {kind}" + (f" = {default}" if default else "")


def python_type(kind: str) -> str:
    """The annotation that stands for a C type."""
    return C_TYPES.get(kind, kind)


def attributes(owner: str, row: str) -> list[Function | str]:
    """What Python sees of a line in a class: fields that can be read, or written."""
    if match := re.fullmatch(r"    cdef public ([\w ]+) (\w+)", row):
        kind = FIELDS.get(f"{owner}.{match[2]}") or python_type(match[1])
        return [f"{match[2]}: {kind}"]
    if match := re.fullmatch(r"    cdef readonly ((?:unsigned )?\w+) ([\w, ]+)", row):
        names = [name.strip() for name in match[2].split(",")]
        kinds = [FIELD_NAMES.get(name) or FIELDS.get(f"{owner}.{name}") for name in names]
        return [
            Function(name, "self", kind or python_type(match[1]), "", ["@property"])
            for name, kind in zip(names, kinds, strict=True)
        ]
    if match := re.fullmatch(r"    (__match_args__ = .+)", row):
        return [match[1]]
    return []


# Writing ----------------------------------------------------------------------------------------------------


def formatted(text: str) -> str:
    """The text as ruff has it, by the project's rules."""
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", "src/pyspike/_wire.pyi", "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def imports(text: str) -> list[str]:
    """The imports of the names that the stub uses."""
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    plain, found = [], []
    for module, theirs in IMPORTED.items():
        used = sorted(theirs & names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        if used == [module]:
            plain.append(f"import {module}")
        elif used:
            found.append(f"from {module} import {', '.join(used)}")
    return [*plain, *found]


def methods_of(classes: dict[str, Class], name: str) -> list[Function | str]:
    """The members of a class and of those it is derived from, its own constructor among them."""
    found = classes[name]
    if found.bases not in classes:
        return found.members
    inherited = [each for each in methods_of(classes, found.bases) if not is_constructor(each)]
    return [*(each for each in found.members if is_constructor(each)), *inherited,
            *(each for each in found.members if not is_constructor(each))]  # fmt: skip


def stub() -> str:
    """The whole stub."""
    found = [each for part in parts() for each in Reader(part).definitions()]
    classes = {each.name: each for each in found if isinstance(each, Class)}
    for each in classes.values():
        while each.bases in INTERNAL:  # what it has from there is its own here
            base = classes[each.bases]
            each.members = [member for member in base.members if not is_constructor(member)] + each.members
            each.bases = base.bases
    for name, twin in TWINS.items():
        own = {each.name: each for each in classes[name].members if isinstance(each, Function)}
        for each in own.values():
            each.own = True
        classes[name].bases = ""
        classes[name].members = [
            own.get(each.name, each) for each in methods_of(classes, twin) if isinstance(each, Function)
        ]
    body = [
        'T = TypeVar("T")',
        'U = TypeVar("U")',
        'R = TypeVar("R", default=Record)',
        'K = TypeVar("K", bound=KeyLike)',
        'V = TypeVar("V", covariant=True, default=Any)',
    ]
    for each in found:
        if isinstance(each, str):
            body.append(each)
        elif isinstance(each, Class):
            body += [] if each.name in INTERNAL else each.lines()
        elif not each.name.startswith("_"):
            body += each.lines()
    text = "\n".join(body) + "\n"
    return formatted("\n".join([HEAD, "", *imports(text), "", text]))


def main(arguments: list[str]) -> int:
    """Write the stub, or check it; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    new = stub()
    old = STUB.read_text(encoding="utf-8") if STUB.exists() else ""
    if not arguments:
        STUB.write_text(new, encoding="utf-8")
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "stub", "sources"))
    return int(new != old)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
