"""Runs the official client's own examples with both clients, and compares what they print: see README.md.

Each client has a server of its own, an embedded one on port 3000, where the examples look for it: in a
network namespace of its own, which takes root's rights.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

INSIDE = "PYSPIKE_EXAMPLES_INSIDE"
PORT = "3000"
LIMIT = 300  # seconds for an example
ADMIN = ("-U", "admin", "-P", "admin")
CLIENT_EXAMPLES = """
get_nodes; info build; info namespaces; info statistics; is_connected; kvs; bin_ops; unicode_smiles
put --gen 5 a b; get b; get --no-key b; get --no-metadata b; get missing; exists b; exists missing
select_record b i s; select_record b nothing; get_key_digest b; append c; prepend d; increment e
operate f; touch b; touch missing; ttl; remove_bin b i s; remove_bin b; get b
exists_many -k a -k b -k missing; get_many -k b -k missing; select_many -k b; exists_many; get_many
select_many; remove b; remove b; delete; client_big_list; client_big_list -i 50
client_big_list -s many -i 2000; put_async -c 20; get_async -c 20; put a k1; put a k2; put a k3; scan
scan -b i; scan -b i -b s; scan -s nothing; udf_list; udf_put simple.lua; udf_put simple_udf.lua
udf_put bin_lua.lua; udf_put example.lua; udf_put sample.lua; udf_put stream_example.lua
udf_put missing.lua; udf_list; udf_get simple.lua; udf_get missing.lua; apply k1 simple add 1 2
apply k1 simple concat x y; apply k1 simple missing; apply k1 missing add; apply k1 sample
scan_apply -m simple_udf -f add_val -a i -a 5; scan_apply -m bin_lua -f mytransform; scan_apply
index_create i example_i -t int; index_create -t string s example_s; index_create i example_i -t int
index_create x; query; query "i = 123"; query "s = 'abc'"; query "i between (1,200)"; query "x = 5"
query -b i "i = 123"; query -m sample -f count "i = 123"; query_apply -m simple_udf -f add_val "i = 123"
query_apply; aggregate "i between (1,200)" stream_example count; aggregate "i = 123" sample ones
aggregate "s = 'abc'" stream_example count; aggregate "s = 'abc'" sample ones; index_remove example_i
index_remove example_i; index_remove example_s; index_remove; udf_remove simple.lua
udf_remove missing.lua; scan_partition; scan_partition -i 77
"""
# multi_thread reads five million records, which an embedded server does not in any useful time.
DEPRECATED_EXAMPLES = "put a; get a; exists a; remove a; get a"
ADMIN_EXAMPLES = """
query_users; query_roles; create_role; create_role; query_role; grant_privileges; query_role
revoke_privileges; create_user; create_user; query_user; query_user_info; query_users; query_users_info
grant_roles; query_users; revoke_roles; set_password; change_password; drop_user; drop_user; drop_role
drop_role; query_roles
"""
ALONE = ("expressions/top", "get_cdtctx_base64", "keyordereddict", "log", "lua/lua", "scan/top", "serializer")
AFTER_QUERY = ("query/foreach", "query/foreachfalse", "query/results")
DIFFERENT = {
    "doc/get": "the words of an error",
    "doc/log": "what is logged",
    "doc/remove": "the words of an error",
    "client/unicode_smiles": "a key that is bytes is an error, unless legacy(bytes_keys=True) is asked for",
    "client/udf_list": "modules are listed by name",
    'client/query -m sample -f count "i = 123"': "the official client prints errors of Lua on stdout",
    'client/aggregate "i = 123" sample ones': "the official client prints errors of Lua on stdout",
    "client/aggregate \"s = 'abc'\" sample ones": "the official client prints errors of Lua on stdout",
}
VARYING = (
    (re.compile(r"(cluster_key|info_complete|uptime): \w+"), r"\1: N"),
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"\d+\.\d+ ?(s|sec|seconds|ms)\b"), "TIME"),
    (re.compile(r"'ttl': \d+"), "'ttl': N"),
)


class Step(NamedTuple):
    """A program to run.

    Attributes:
        name: what it is called.
        folder: where it runs, below the checkout.
        arguments: its path there, and its arguments.

    """

    name: str
    folder: str
    arguments: tuple[str, ...]


class Outcome(NamedTuple):
    """What came of a program: its exit code, what it printed, and its errors."""

    code: int
    output: str
    errors: str


def main() -> int:
    """Run them, print what differs, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of the official client")
    parser.add_argument("--verbose", action="store_true", help="print what each example printed")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        script = 'ip link set lo up && exec "$@"'
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, "sh", sys.executable, *sys.argv])
    official = outcomes(options.checkout, (sys.executable,))
    compat = outcomes(options.checkout, (sys.executable, "-m", "pyspike.compat"))
    return told(official, compat, verbose=options.verbose)


def told(official: list[tuple[Step, Outcome]], compat: list[tuple[Step, Outcome]], *, verbose: bool) -> int:
    """Print what differs; 1 if anything does."""
    alike = listed = 0
    for (step, first), (_, second) in zip(official, compat, strict=True):
        if verbose:
            print(f"== {step.name}: {first.code}\n{first.output}{first.errors}", flush=True)
        if first[:2] == second[:2]:
            alike += 1
            continue
        if step.name in DIFFERENT:
            listed += 1
            continue
        print(f"{step.name}: exit code {first.code} with the official client, {second.code} with compat")
        print("\n".join(difflib.unified_diff(first.output.split("\n"), second.output.split("\n"), n=0)))
        print(f"  official: {first.errors[-1000:]}\n  compat: {second.errors[-2000:]}")
    well = sum(outcome.code == 0 for _, outcome in official)
    print(
        f"{alike} of {len(official)} runs of examples are alike; {well} end with 0 with the official client"
    )
    return 0 if alike == len(official) else 1


def outcomes(checkout: Path, start: tuple[str, ...]) -> list[tuple[Step, Outcome]]:
    """What comes of all examples with one client."""
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory) / "examples"
        shutil.copytree(checkout / "examples", work / "examples")
        shutil.copytree(checkout / "doc/examples", work / "doc")
        with served():
            found = [(step, run(work, step, start)) for step in [*plain_steps(), *documented_steps(work)]]
        with served("--security"):
            return found + [(step, run(work, step, start)) for step in steps("admin", ADMIN_EXAMPLES, ADMIN)]


@contextlib.contextmanager
def served(*options: str) -> Iterator[None]:
    """An embedded server."""
    command = [
        sys.executable,
        "-m",
        "pyspike",
        "serve",
        "--port",
        PORT,
        "--server-version",
        "8.1.2",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline(), "no server"
            yield
        finally:
            server.terminate()


def plain_steps() -> list[Step]:
    """The programs that take arguments."""
    return [*steps("client", CLIENT_EXAMPLES), *steps("deprecated", DEPRECATED_EXAMPLES)]


def steps(folder: str, text: str, more: tuple[str, ...] = ()) -> list[Step]:
    """The programs that a text lists, with their arguments."""
    made = []
    for line in filter(str.strip, text.replace("\n", ";").split(";")):
        name, *arguments = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line)]
        made.append(Step(f"{folder}/{line.strip()}", f"examples/{folder}", (f"{name}.py", *more, *arguments)))
    return made


def documented_steps(work: Path) -> list[Step]:
    """The documentation's programs, behind the lines that it puts in front of most of them."""
    made = []
    for path in sorted((work / "doc").rglob("*.py")):
        name = path.relative_to(work / "doc").with_suffix("").as_posix()
        if path.stem == "boilerplate":
            continue
        text = path.read_text()
        if name not in ALONE:
            front = work / "doc" / ("query" if name in AFTER_QUERY else "") / "boilerplate.py"
            text = front.read_text() + text
        # Each in a folder of its own: some have the names of Python's modules.
        folder = work / "documented" / name
        folder.mkdir(parents=True)
        for module in path.parent.glob("*.lua"):
            shutil.copy(module, folder)
        (folder / "program.py").write_text(text)
        made.append(Step(f"doc/{name}", f"documented/{name}", ("program.py",)))
    return made


def run(work: Path, step: Step, start: tuple[str, ...]) -> Outcome:
    """Run a program to its end."""
    environment = os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}
    command = [*start, *step.arguments]
    try:
        done = subprocess.run(
            command,
            cwd=work / step.folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return Outcome(-1, "", f"more than {LIMIT} s")
    return Outcome(done.returncode, steady(done.stdout), done.stderr)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, put in VARYING:
        text = pattern.sub(put, text)
    return text


if __name__ == "__main__":
    sys.exit(main())
