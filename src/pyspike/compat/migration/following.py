"""Which names of a program stand for clients and queries: told by its text, from where they are made.

What is followed: assignments, attributes, arguments of the program's functions and classes, what these
return, and annotations. A name means the same everywhere in a file, an attribute everywhere in the program.
What comes out of containers, `getattr` or other packages is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["CLIENT", "QUERY", "Module", "follow", "name_of"]

PACKAGES = ("aerospike", "aerospike_helpers")
CLIENT, QUERY = "client", "query"
CLASSES = {"aerospike.Client": CLIENT, "aerospike.Query": QUERY, "aerospike.Scan": QUERY}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A source of the program.

    Args:
        path: its file.
        tree: what is in it.
    """

    path: str
    tree: ast.Module
    imports: bool = False  # something of the official client
    modules: dict[str, str] = field(default_factory=dict)  # names in the file, and what they are there
    others: set[str] = field(default_factory=set)  # names that are imported from elsewhere
    kinds: dict[str, str] = field(default_factory=dict)  # names in the file that are clients and queries
    attributes: dict[str, str] = field(default_factory=dict)  # the same of the program's attributes
    makers: dict[str, str] = field(default_factory=dict)  # and what its functions return

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._note_import(node)

    def _note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            whole = f"{node.module or ''}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
            bound = alias.asname or (
                alias.name if isinstance(node, ast.ImportFrom) else whole.partition(".")[0]
            )
            if whole.partition(".")[0] not in PACKAGES:
                self.others.add(bound)
                continue
            self.imports = True
            is_whole = isinstance(node, ast.ImportFrom) or alias.asname is not None
            self.modules[bound] = whole if is_whole else bound

    def path_of(self, node: ast.AST) -> str:
        """The module or name of the official client that an expression stands for; empty if it is none."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "")
        if isinstance(node, ast.Attribute):
            before = self.path_of(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def kind_of(self, node: ast.AST | None) -> str:
        """Whether an expression is a client or a query; empty if it is neither, as far as one can see."""
        if isinstance(node, ast.Await | ast.NamedExpr):
            return self.kind_of(node.value)
        if isinstance(node, ast.IfExp):
            return self.kind_of(node.body) or self.kind_of(node.orelse)
        if isinstance(node, ast.BoolOp):
            return next(filter(None, map(self.kind_of, node.values)), "")
        if isinstance(node, ast.Call):
            return self._kind_of_call(node)
        if isinstance(node, ast.Name | ast.Attribute):
            name = name_of(node)
            known = self.attributes.get(name, "") if isinstance(node, ast.Attribute) else ""
            return known or self.kinds.get(name, "") or (CLIENT if self._is_called_client(node) else "")
        return ""

    def _is_called_client(self, node: ast.Name | ast.Attribute) -> bool:
        return "client" in name_of(node).lower() and not self.path_of(node)

    def _kind_of_call(self, node: ast.Call) -> str:
        name = name_of(node.func)
        if self.path_of(node.func) == "aerospike.client":
            return CLIENT
        if isinstance(node.func, ast.Attribute):
            of = self.kind_of(node.func.value)
            if of == CLIENT and name == "connect":
                return CLIENT
            if of == CLIENT and name in ("query", "scan"):
                return QUERY
        if name in self.makers:
            return self.makers[name]
        # Such as contextlib.closing(client).
        return self.kind_of(node.args[0]) if name == "closing" and node.args else ""


def follow(modules: Sequence[Module]) -> None:
    """Note in each module which of its names are clients and queries."""
    attributes: dict[str, str] = {}
    makers: dict[str, str] = {}
    for module in modules:
        module.attributes, module.makers = attributes, makers
    parameters = [*_parameters(modules)]
    known = -1
    while (size := len(attributes) + len(makers) + sum(len(module.kinds) for module in modules)) != known:
        known = size
        for module in modules:
            for node in ast.walk(module.tree):
                _look_at(module, node, parameters)


def _look_at(module: Module, node: ast.AST, parameters: list[_Parameters]) -> None:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            _note(module, target, module.kind_of(node.value))
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        _note(module, node.target, module.kind_of(node.value))
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        _note(module, node.optional_vars, module.kind_of(node.context_expr))
    elif isinstance(node, ast.arg):
        if node.annotation is not None and (kind := _annotated(module, node.annotation)):
            module.kinds.setdefault(node.arg, kind)
    elif isinstance(node, Function):
        if kind := next(filter(None, map(module.kind_of, _results(node))), ""):
            module.makers.setdefault(node.name, kind)
            if any("fixture" in ast.unparse(each) for each in node.decorator_list):
                module.attributes.setdefault(node.name, kind)
    elif isinstance(node, ast.Call):
        _look_at_call(module, node, parameters)


def _note(module: Module, target: ast.AST, kind: str) -> None:
    if kind and isinstance(target, ast.Name):
        module.kinds.setdefault(target.id, kind)
    elif kind and isinstance(target, ast.Attribute):
        module.attributes.setdefault(target.attr, kind)


def _annotated(module: Module, annotation: ast.expr) -> str:
    """The kind that an annotation says; it may be text, or a union."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return ""
    return next((kind for each in ast.walk(annotation) if (kind := CLASSES.get(module.path_of(each)))), "")


def _results(function: Function) -> Iterator[ast.expr]:
    """What a function returns or yields."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield node.value


@dataclass(frozen=True)
class _Parameters:
    """Of a function, or of the class that it makes objects of."""

    module: Module
    name: str
    names: tuple[str, ...]


def _parameters(modules: Iterable[Module]) -> Iterator[_Parameters]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, Function):
                        called = node.name if each.name == "__init__" else each.name
                        yield _Parameters(module, called, _names(each)[_is_bound(each) :])
            elif isinstance(node, ast.Module | Function):
                for each in node.body:
                    if isinstance(each, Function):
                        yield _Parameters(module, each.name, _names(each))


def _names(function: Function) -> tuple[str, ...]:
    arguments = function.args
    return tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def _is_bound(function: Function) -> bool:
    return not any(name_of(each) == "staticmethod" for each in function.decorator_list)


def _look_at_call(module: Module, call: ast.Call, parameters: list[_Parameters]) -> None:
    """Note the parameters that are given a client."""
    kinds = [(str(at), module.kind_of(given)) for at, given in enumerate(call.args)]
    kinds += [(each.arg or "", module.kind_of(each.value)) for each in call.keywords]
    if not any(kind for _, kind in kinds):
        return
    for called in parameters:
        if called.name == name_of(call.func):
            for place, kind in kinds:
                name = _parameter_at(called.names, place)
                if kind and name:
                    called.module.kinds.setdefault(name, kind)


def _parameter_at(names: tuple[str, ...], place: str) -> str:
    if not place.isdigit():
        return place if place in names else ""
    return names[int(place)] if int(place) < len(names) else ""


def name_of(node: ast.AST) -> str:
    """The name that a variable or attribute ends with."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
