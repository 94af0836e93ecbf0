"""The blocks of the README and of the site's pages, and how they are run: as they stand, in order.

The Python blocks of a page share one namespace. What a comment behind a `print` says is what it must print,
with `...` for whatever differs. Only the address of the cluster and the names of sets are put in the place of
the page's. A comment above a block tells what else becomes of it:

    <!-- block: file app.py -->    it is a file, which later blocks import or run
    <!-- block: alone -->          it is a program of its own, run by a process of its own

Blocks that define a test are run by pytest. Of blocks for the shell each line is run that `RUN_HERE` or
`RUN_APART` has; lines without a command are what the one above prints.
"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ADDRESS", "URL", "Block", "Page", "expect_printed", "read_blocks", "run_block"]

BLOCK = re.compile(
    r"(?:^<!-- block: ([^\n]*) -->\n)?^```([^\s`]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)
ADDRESS, URL = '"127.0.0.1:3000"', "aerospike://127.0.0.1:3000"
SET = re.compile(r'(?<!drop_index\()("(?:test|bar)", )"(\w+)"')
SET_IN_SHELL = re.compile(r"(?<![\w-])(test |--set )([a-z]+)\b")
RUN_HERE = ("pyspike",)
RUN_APART = ("python", "pytest")
NOT_RUN = {
    "pip": "installs",
    "pyspike serve": "stays in the foreground",
    "pyspike shell": "is interactive",
    "pyspike demo": "is a test of its own",
    "pyspike completion": "is for a shell's start",
    "pyspike copy": "needs another cluster",
    "eval": "is for a shell's start",
    "export": "is for a shell",
    "mypy": "is run on all blocks at once (test_readme_types.py)",
    "taskset": "measures",
    "python examples/": "docs/test_examples.py runs them",
    "gunicorn": "stays in the foreground; test_servers.py runs it",
    "uwsgi": "stays in the foreground; integration/test_workers.py runs it",
    "celery": "stays in the foreground; integration/test_workers.py runs it",
}
PATIENCE = 60.0  # seconds until a program hangs


@dataclass
class Block:
    """A block of a page, and what came of it."""

    language: str
    source: str
    line: int
    kind: str = ""
    printed: str = ""
    error: BaseException | None = None
    ran: bool = False

    @property
    def is_test(self) -> bool:
        """Whether pytest runs it."""
        return self.language == "python" and not self.kind and "def test_" in self.source


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page but for directives of the site."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[2], match[3], text[: match.start(3)].count("\n") + 1, match[1] or "")
        for match in BLOCK.finditer(text)
        if not match[2].startswith("{")
    ]


def run_block(block: Block, source: str, page: Path, namespace: dict[str, object]) -> None:
    """Run a block of Python in this process; what it prints and raises is kept in it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        # Python 3.12 and later warn of os.fork() in a process with threads, of which a client has one.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        try:
            exec(compile("\n" * (block.line - 1) + source, str(page), "exec", dont_inherit=True), namespace)
            block.ran = True
        except Exception as error:  # told by the test of this block
            block.error = error
    block.printed = printed.getvalue()


def expect_printed(block: Block) -> None:
    """The block has run, and has printed what its comments say."""
    if block.error is not None:
        raise block.error
    assert block.ran
    expected = PRINTS.findall(block.source)
    if "for " in block.source:  # as many rounds as the cluster has nodes
        expected *= len(block.printed.splitlines()) // max(len(expected), 1)
    expect_lines(block.printed, expected)


def expect_lines(printed: str, expected: list[str]) -> None:
    """The lines are those expected; `...` there stands for anything."""
    lines = [line.rstrip() for line in printed.splitlines()]
    assert len(lines) == len(expected), printed
    for line, pattern in zip(lines, expected, strict=True):
        assert fnmatch.fnmatchcase(line, re.sub(r"\[", "[[]", pattern).replace("...", "*")), (line, pattern)


class Page:
    """A page of the site, to be run in a folder of its own."""

    def __init__(self, path: Path, hosts: str, prefix: str, folder: Path) -> None:
        self.path = path
        self.blocks = read_blocks(path)
        self.sets: set[tuple[str, str]] = set()
        self._hosts = hosts
        self._prefix = prefix
        self._folder = folder
        self._namespace: dict[str, object] = {"__name__": path.stem}

    def run(self) -> None:
        """Run all blocks but the tests."""
        with self._in_folder():
            try:
                for block in self.blocks:
                    self._run(block)
            finally:
                for value in self._namespace.values():
                    if type(value).__name__ == "Client" and callable(close := getattr(value, "close", None)):
                        close()
                self._namespace.clear()

    def tests(self) -> str:
        """The blocks with tests, as one module."""
        return "\n\n".join(self._here(block.source) for block in self.blocks if block.is_test)

    def _run(self, block: Block) -> None:
        where = f"{self.path.name}:{block.line}"
        if block.kind.startswith("file "):
            Path(block.kind.removeprefix("file ")).write_text(self._here(block.source), encoding="utf-8")
        elif block.language == "python" and block.kind == "alone":
            Path("alone.py").write_text(self._here(block.source), encoding="utf-8")
            block.printed = self._apart([sys.executable, "alone.py"], where)
            block.ran = True
            expect_printed(block)
        elif block.language == "python" and not block.is_test:
            assert not block.kind, f"{where}: {block.kind}"
            run_block(block, self._here(block.source), self.path, self._namespace)
            expect_printed(block)
        elif block.language == "console":
            self._console(block, where)

    def _console(self, block: Block, where: str) -> None:
        """Run the lines; with `$` in front of commands, the lines between are what is printed."""
        told = any(line.startswith("$ ") for line in block.source.splitlines())
        commands: list[tuple[str, list[str]]] = []
        for line in block.source.replace("\\\n", " ").splitlines():
            if not told or line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
        for command, expected in commands:
            if any(command.startswith(each) for each in NOT_RUN):
                continue
            words = shlex.split(SET_IN_SHELL.sub(self._shell_set, command), comments=True)
            if not words:
                continue
            assert words[0] in (*RUN_HERE, *RUN_APART), f"{where}: what is to be done with {command!r}?"
            printed = self._here_in(words, where) if words[0] in RUN_HERE else self._program(words, where)
            if told:
                expect_lines(printed, expected)

    def _here_in(self, words: list[str], where: str) -> str:
        """What the command `pyspike` prints, run in this process."""
        from pyspike.cli import main

        printed, wrong = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        here = [word.replace("127.0.0.1:3000", self._hosts) for word in words[1:]]
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(wrong):
            code = main(here)
        assert code in (0, 1), f"{where}: {words} ended with {code}: {wrong.getvalue()}"
        printed.seek(0)
        return printed.read()

    def _program(self, words: list[str], where: str) -> str:
        quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:anyio"]
        module = ["-m", "pytest", *quiet] if words[0] == "pytest" else []
        return self._apart([sys.executable, *module, *words[1:]], where)

    def _apart(self, words: list[str], where: str) -> str:
        """What a process of its own prints."""
        path = os.pathsep.join([str(Path(importlib.import_module("pyspike").__file__ or "").parents[1])])
        ended = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            # Tests have an embedded cluster of their own.
            env={**os.environ, "PYTHONPATH": path, "PYSPIKE_HOSTS": "" if "pytest" in words else self._hosts},
        )
        assert ended.returncode == 0, f"{where}: {words}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def _here(self, source: str) -> str:
        """The source with this cluster's address, and sets of this run."""
        source = source.replace(ADDRESS, repr(self._hosts)).replace(URL, f"aerospike://{self._hosts}")
        return SET.sub(self._set, source)

    def _set(self, match: re.Match[str]) -> str:
        self.sets.add((match[1].strip('", '), name := self._prefix + match[2]))
        return f'{match[1]}"{name}"'

    def _shell_set(self, match: re.Match[str]) -> str:
        self.sets.add(("test", name := self._prefix + match[2]))
        return f"{match[1]}{name}"

    @contextlib.contextmanager
    def _in_folder(self) -> Iterator[None]:
        before, hosts = Path.cwd(), os.environ.get("PYSPIKE_HOSTS")
        os.chdir(self._folder)
        os.environ["PYSPIKE_HOSTS"] = self._hosts
        sys.path.insert(0, str(self._folder))
        loaded = set(sys.modules)
        try:
            yield
        finally:
            os.chdir(before)
            sys.path.remove(str(self._folder))
            for name in set(sys.modules) - loaded:  # the page's own modules
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self._folder)):
                    del sys.modules[name]
            if hosts is None:
                del os.environ["PYSPIKE_HOSTS"]
            else:
                os.environ["PYSPIKE_HOSTS"] = hosts
