"""A part of the integration tests over TLS: commands, batches and queries of threads and tasks.

They are run in a process of their own, as the switch is for a whole run (`support.tls`). All of them are run
over TLS by `pytest --tls tests/integration`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.tls import wanted

pytest.importorskip("trustme")

INTEGRATION = Path(__file__).parent / "integration"
PART = [
    "test_commands.py",
    "test_query.py",
    "test_async_batch.py",
    "test_batch.py::test_rows_of_every_kind_stand_side_by_side",
    "test_batch.py::test_a_large_batch_comes_back_whole",
    "test_batch.py::test_large_records_come_in_frames_of_their_own",
]
BUT = "long or thousands_of_rows"  # what takes most of the time
LEAST = 400  # of them there are more; so that it shows if they are not run


@pytest.mark.embedded_only
@pytest.mark.timeout(600)
@pytest.mark.skipif(wanted(), reason="all tests of this run are over TLS")
def test_commands_batches_and_queries_go_over_tls_as_well() -> None:
    names = ("PYTEST_", "PYSPIKE_HOSTS", "PYSPIKE_TEST_")  # what would make it a part of this run
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    command = [sys.executable, "-m", "pytest", "--tls", "-q", "-p", "no:cacheprovider", "-k", f"not ({BUT})"]
    run = subprocess.run(
        [*command, *(str(INTEGRATION / each) for each in PART)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    passed = re.search(r"(\d+) passed", run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    assert passed is not None
    assert int(passed[1]) > LEAST, run.stdout
