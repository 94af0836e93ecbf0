"""On a Python that was built to run without the GIL, pyspike leaves it off."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

pytestmark = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has the GIL"
)


def test_importing_pyspike_leaves_the_gil_off() -> None:
    # Python turns it on for a module that does not say that it can do without.
    code = "import sys; from pyspike import AsyncClient; assert not sys._is_gil_enabled()"
    subprocess.run([sys.executable, "-c", code], check=True)
