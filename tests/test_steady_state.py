"""What a blocking command costs once everything is warm: two system calls, one release of the GIL, no memory.

Each is counted from outside, in a child process: system calls by strace; allocations by hooks under Python's
allocators and GIL releases by a function in front of the interpreter's, both compiled here with the system's
C compiler. Without those tools a test is skipped and says what is not shown; where CI is set it fails.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NoReturn

import pytest

TIMEOUT = 60
COUNT = 200  # below 257, so that counting makes no int
# Objects of commands that are over are used again, which Cython can't do without a GIL.
NOT_REUSED = COUNT if sysconfig.get_config_var("Py_GIL_DISABLED") else 0

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at Linux system calls and linking"
)

STOPPED = 75  # the exit code of a child that was stopped and went on, after which it makes a call again
TRIES = 5

# What all children begin with: a client whose tend thread sleeps, warm, and `run` to call so often.
BEGIN = """
import gc, itertools, json, os, signal, sys
from pyspike import Client, ClientPolicy, Key, ReadPolicy, WritePolicy, operations as op
from pyspike._wire import Commands, Executor
from pyspike.operations import lists, maps
hosts, set_name, what, count, stopped = sys.argv[1:4] + [*map(int, sys.argv[4:])]
signal.signal(signal.SIGCONT, lambda number, frame: os._exit(stopped))
client = Client(hosts, ClientPolicy(tend_interval=60_000))
key, bins = Key("test", set_name, 1), {"a": 1, "b": "hello world", "c": 123456789}
document = {
    "id": 7, "name": "user name here", "score": 3.25, "blob": b"x" * 200, "tags": ["alpha", "beta"] * 8,
    "attrs": {f"k{n}": n * 1000 for n in range(20)}, "deep": [{"a": [1, {"b": [True, None, -1.5]}]}],
}
large = Key("test", set_name, "document")
many = [Key("test", set_name, n) for n in range(50)]
for each in many:
    client.put(each, bins)
client.put(large, document)
steps = [op.add("id", 1), op.get("id"), lists.size("tags"), maps.get_by_key("attrs", "k3")]
turn = itertools.cycle(many).__next__
unsent = Commands(Executor(), ReadPolicy().settings, WritePolicy().settings)
call = {
    "get": lambda: client.get(key),
    "put": lambda: client.put(key, bins),
    "exists": lambda: client.exists(key),
    "operate": lambda: client.operate(large, steps),
    "get a document": lambda: client.get(large),
    "put a document": lambda: client.put(large, document),
    "get one after the other": lambda: client.get(turn()),
    "put one after the other": lambda: client.put(turn(), bins),
    "build get": lambda: unsent.get(key),
    "build put": lambda: unsent.put(key, bins),
    "build a document": lambda: unsent.put(large, document),
    "build operate": lambda: unsent.operate(large, steps),
}[what]
def run(count):
    for _ in itertools.repeat(None, count):
        call()
run(100)
gc.collect()
gc.disable()
"""


def child(
    script: str, hosts: str, set_name: str, what: str, *, prefix: tuple[str, ...] = (), **env: str
) -> Any:
    """Run a script after BEGIN; what it prints, as JSON."""
    import pyspike

    path = [str(Path(pyspike.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    for _ in range(TRIES):
        done = subprocess.run(
            [*prefix, sys.executable, "-c", BEGIN + script, hosts, set_name, what, str(COUNT), str(STOPPED)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **env},
        )
        if done.returncode != STOPPED:
            break
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


SENT = [
    "get", "put", "exists", "operate", "get a document", "put a document", "get one after the other",
    "put one after the other",
]  # fmt: skip


def not_shown(why: str) -> NoReturn:
    """Skip, so that it can't be overlooked: on a machine that is there to show it, that is a failure."""
    text = f"NOT SHOWN, {why}; a Debian system has it in the packages strace and gcc"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


# --- system calls ---

STRACE = shutil.which("strace")

IDLE = 0.001  # seconds from which a connection is looked at

# os.getppid() marks where the counting begins and ends; nothing else calls it.
CALLS = """
os.getppid()
run(count)
os.getppid()
os._exit(0)
"""


@pytest.fixture(scope="module")
def strace() -> str:
    if STRACE is None:
        not_shown("strace is not installed")
    if subprocess.run([STRACE, "-qq", "-o", os.devnull, "true"], capture_output=True).returncode:
        not_shown("strace may not trace here")
    return STRACE


@pytest.mark.parametrize("what", SENT)
def test_a_command_makes_two_system_calls(
    strace: str, hosts: str, set_name: str, what: str, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    child(
        CALLS, hosts, set_name, what, prefix=(strace, "-qq", "-ttt", "-o", str(trace))
    )  # of the main thread only
    lines = [line.split(" ", 1) for line in trace.read_text(encoding="utf-8").splitlines()]
    first, last = (index for index, (_, call) in enumerate(lines) if call.startswith("getppid"))
    names: list[str] = []
    used: dict[str, float] = {}  # descriptor -> when
    for when, call in lines[first + 1 : last]:
        name, _, rest = call.partition("(")
        descriptor = rest.partition(",")[0]
        # A connection that was idle for a while is looked at before it is used; strace takes its time.
        if "MSG_PEEK" not in call or float(when) - used.get(descriptor, 0.0) < IDLE:
            names.append(name)
        used[descriptor] = float(when)
    assert names == ["sendto", "recvfrom"] * COUNT


# --- what is compiled here ---


def compiled(folder: Path, name: str, source: str) -> Path:
    """A shared library of this C source."""
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if compiler is None:
        not_shown("there is no C compiler")
    file, library = folder / f"{name}.c", folder / f"{name}.so"
    file.write_text(source, encoding="utf-8")
    done = subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(file), "-ldl"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return library


# --- allocations ---

# Counts malloc, calloc and realloc of each of Python's domains (raw, mem, obj), in the thread that asks only.
HOOKS = r"""
#include <stddef.h>
typedef struct {
    void *ctx;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
} Allocator;                                /* PyMemAllocatorEx */
extern void PyMem_GetAllocator(int, Allocator *);
extern void PyMem_SetAllocator(int, Allocator *);
static Allocator before[3];
static __thread long counts[3];
static __thread int counting;
static void *on_malloc(void *ctx, size_t size)
{
    long d = (long)(size_t)ctx;
    counts[d] += counting;
    return before[d].malloc(before[d].ctx, size);
}
static void *on_calloc(void *ctx, size_t n, size_t size)
{
    long d = (long)(size_t)ctx;
    counts[d] += counting;
    return before[d].calloc(before[d].ctx, n, size);
}
static void *on_realloc(void *ctx, void *p, size_t size)
{
    long d = (long)(size_t)ctx;
    counts[d] += counting;
    return before[d].realloc(before[d].ctx, p, size);
}
static void on_free(void *ctx, void *p)
{
    long d = (long)(size_t)ctx;
    before[d].free(before[d].ctx, p);
}
void install(void)
{
    for (long d = 0; d < 3; d++) {
        Allocator ours = {(void *)(size_t)d, on_malloc, on_calloc, on_realloc, on_free};
        PyMem_GetAllocator((int)d, &before[d]);
        PyMem_SetAllocator((int)d, &ours);
    }
}
void start(void) { counts[0] = counts[1] = counts[2] = 0; counting = 1; }
void stop(void) { counting = 0; }
long counted(int d) { return counts[d]; }
"""

# Calling `start` and `stop` allocates nothing that counts: what ctypes needs is needed before and after.
ALLOCATIONS = """
import ctypes
hooks = ctypes.PyDLL(os.environ["HOOKS"])
start, stop = hooks.start, hooks.stop
start.argtypes = stop.argtypes = []
start.restype = stop.restype = None
hooks.install()
def counted(work):
    start()
    work(count)
    stop()
    return [hooks.counted(domain) for domain in range(3)]
def nothing(count):
    for _ in itertools.repeat(None, count):
        pass
def keep(count):
    for number in range(count):
        kept[number] = call()
kept = [None] * count
for work in (nothing, run, keep):
    counted(work)
kept = [None] * count
before, after, held = counted(nothing), counted(run), counted(keep)
print(json.dumps({
    "run": [a - b for a, b in zip(after, before)],
    "held": [a - b for a, b in zip(held, before)],
}), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if platform.python_implementation() != "CPython":
        pytest.skip("hooks CPython's allocators")
    return compiled(tmp_path_factory.mktemp("hooks"), "hooks", HOOKS)


@pytest.mark.parametrize("what", ["build get", "build put", "build operate"])
def test_building_a_command_allocates_only_the_command(
    hooks: Path, hosts: str, set_name: str, what: str
) -> None:
    counted = child(ALLOCATIONS, hosts, set_name, what, HOOKS=str(hooks))
    assert counted["run"] == [0, 0, NOT_REUSED], "given back, its memory is used again"
    raw, mem, obj = counted["held"]
    assert mem == 0
    # And one that some versions of Python take for themselves.
    assert obj <= COUNT + 1, "one object a command, which has the request's bytes in it"
    assert raw <= COUNT + 1, "where an object too large for Python's own pools comes from"
    assert obj > COUNT // 2


@pytest.mark.parametrize("what", ["put", "exists", "put one after the other"])
def test_a_command_without_a_record_allocates_nothing_down_or_up(
    hooks: Path, hosts: str, set_name: str, what: str
) -> None:
    assert child(ALLOCATIONS, hosts, set_name, what, HOOKS=str(hooks))["run"] == [0, 0, NOT_REUSED]


@pytest.mark.parametrize("what", ["build a document", "put a document"])
def test_a_large_request_allocates_its_buffer_and_nothing_else(
    hooks: Path, hosts: str, set_name: str, what: str
) -> None:
    raw, mem, obj = child(ALLOCATIONS, hosts, set_name, what, HOOKS=str(hooks))["run"]
    assert raw <= COUNT, "the bytes that do not fit into the command itself"
    assert (mem, obj) == (0, NOT_REUSED)


def test_a_read_allocates_nothing_but_what_it_returns(hooks: Path, hosts: str, set_name: str) -> None:
    raw, mem, obj = child(ALLOCATIONS, hosts, set_name, "get", HOOKS=str(hooks))["run"]
    assert raw == 0
    assert mem + obj <= COUNT * 4, "the dict and its table, a str and an int; the Record is used again"


# --- the GIL ---

COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
static __thread long releases;
void *PyEval_SaveThread(void)
{
    static void *(*real)(void);
    if (!real)
        real = (void *(*)(void))dlsym(RTLD_NEXT, "PyEval_SaveThread");
    releases++;
    return real();
}
long gil_releases(void) { return releases; }
"""

# A call through CDLL releases the GIL, one through PyDLL does not: whether the counter is in the way at all.
RELEASES = """
import ctypes
counter = ctypes.PyDLL(os.environ["COUNTER"]).gil_releases
counter.restype = ctypes.c_long
released = ctypes.CDLL(os.environ["COUNTER"]).gil_releases
before = counter()
released()
seen = counter() - before
before = counter()
run(count)
print(json.dumps({"seen": seen, "run": counter() - before}), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("what", [*SENT, "build put", "build operate"])
def test_a_command_lets_go_of_the_gil_once(hosts: str, set_name: str, what: str, tmp_path: Path) -> None:
    library = str(compiled(tmp_path, "counter", COUNTER))
    counted = child(RELEASES, hosts, set_name, what, COUNTER=library, LD_PRELOAD=library)
    if counted["seen"] != 1:
        pytest.skip("the interpreter's functions can't be counted: it is linked statically")
    assert counted["run"] == (0 if what.startswith("build") else COUNT)
