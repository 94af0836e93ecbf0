"""Scenarios that need a process of their own: because they fork, are interrupted, or end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

PATIENCE = 60.0  # seconds until a scenario is killed that is not known to take longer
TOLD = "figures: "  # what a line begins with that is no trouble
TESTS = Path(__file__).parents[1]


def run_scenario(
    script: str,
    scenario: str,
    hosts: str,
    set_name: str,
    *,
    expected: tuple[int, str] = (0, ""),
    patience: float = PATIENCE,
    leaves_open: bool = False,
) -> None:
    """Run a scenario of a script in tests/integration; its exit code and output must be as expected.

    One that `leaves_open` its clients is about how they end by themselves, which Python is told not to mind.
    What it tells of itself (`tell`) is passed on to whoever reads the test's output.
    """
    # Python itself warns of forks while there are threads, which is what is tested; and that of 3.15 of the
    # modules that its own multiprocessing makes.
    flags = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    flags += ["-W", "ignore:Module globals is missing:DeprecationWarning"]
    if leaves_open:
        for kind in ("Client", "AsyncClient"):
            flags += ["-W", f"ignore:unclosed {kind} of:ResourceWarning"]
    process = subprocess.Popen(
        [sys.executable, *flags, str(TESTS / "integration" / script), scenario, hosts],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={
            **_environment(),
            "PYTHONFAULTHANDLER": "1",
            "PYSPIKE_TEST_SET": set_name,
            "PYSPIKE_TEST_RUN": uuid.uuid4().hex[:8],
        },
    )
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        raise AssertionError(f"{scenario} hangs:\n{output}") from None
    told = [line for line in output.splitlines(keepends=True) if line.startswith(TOLD)]
    print(*told, sep="", end="")
    output = "".join(line for line in output.splitlines(keepends=True) if not line.startswith(TOLD))
    ended = f"{scenario} ended with {process.returncode}:\n{output}"
    assert process.returncode == expected[0], ended
    assert output == expected[1], ended


def begin_scenario(script: str, scenario: str, hosts: str) -> subprocess.Popen[bytes]:
    """Begin a scenario of a script in tests/integration, with pipes to it."""
    return subprocess.Popen(
        [sys.executable, str(TESTS / "integration" / script), scenario, hosts],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
    )


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """What came of these lines of Python, which may use what is in tests."""
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def tell(figures: str) -> None:
    """What a scenario has to say when all is well: how much it did, and what that cost."""
    print(f"{TOLD}{figures}", flush=True)


def main(scenarios: Iterable[Callable[[str], None]]) -> None:
    """What a script of scenarios does when it is run."""
    {scenario.__name__: scenario for scenario in scenarios}[sys.argv[1]](sys.argv[2])
