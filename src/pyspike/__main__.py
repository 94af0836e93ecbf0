"""`python -m pyspike`: the same as the command `pyspike`."""

from __future__ import annotations

import sys

from pyspike.cli import main

if __name__ == "__main__":
    sys.exit(main())
