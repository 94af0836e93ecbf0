"""`install()` and `python -m pyspike.compat` give `import aerospike` this package's modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import aerospike
import aerospike.exception
from aerospike import exception, predicates
from aerospike_helpers import cdt_ctx
from aerospike_helpers.operations import list_operations as lists
import aerospike_helpers.expressions as exp

assert aerospike.__name__ == "pyspike.compat.aerospike", aerospike.__name__
assert aerospike.exception is exception is sys.modules["pyspike.compat.aerospike.exception"]
assert lists.list_append("a", 1)["op"] == aerospike.OP_LIST_APPEND
assert exp.Eq(exp.IntBin("a"), 1).compile()
assert not [name for name, module in sys.modules.items() if "aerospike.cpython" in str(module)]
try:
    import aerospike_helpers.nothing
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("there is no such module")
print(__name__, sys.argv[1:])
"""


def run(*arguments: str, cwd: Path | None = None) -> str:
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_a_program_is_run_with_the_drop_in(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert run("-m", "pyspike.compat", str(program), "--flag", "x") == "__main__ ['--flag', 'x']\n"


def test_a_module_is_run_with_the_drop_in(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run("-m", "pyspike.compat", "-m", "program", "x", cwd=tmp_path) == "__main__ ['x']\n"


def test_without_a_program_it_says_how_it_is_called() -> None:
    told = subprocess.run([sys.executable, "-m", "pyspike.compat"], capture_output=True, text=True)
    assert told.returncode == 1
    assert "python -m pyspike.compat PROGRAM" in told.stderr
    assert "PROGRAM" in run("-m", "pyspike.compat", "--help")


def test_installing_puts_the_modules_in_place_and_uninstalling_takes_them_away() -> None:
    code = (
        "import pyspike.compat as c; c.install(); c.install(); import aerospike, aerospike_helpers.cdt_ctx; "
        "assert aerospike.__name__.startswith('pyspike'); c.uninstall(); import sys; "
        "assert 'aerospike' not in sys.modules and 'aerospike_helpers.cdt_ctx' not in sys.modules; "
        "sys.modules['aerospike'] = sys; "
        "\ntry: c.install()\nexcept ImportError as error: print(error)"
    )
    assert "imported before pyspike.compat.install() was called" in run("-c", code)


def test_nothing_imports_the_drop_in_unasked() -> None:
    code = "import sys, pyspike, pyspike.client; print([n for n in sys.modules if 'compat' in n])"
    assert run("-c", code) == "[]\n"
