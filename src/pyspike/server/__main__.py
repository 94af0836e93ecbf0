"""The process that `EmbeddedCluster(process=True)` runs in: `python -m pyspike.server --control`.

Requests come on stdin and answers go to stdout, a line each. For people there is `pyspike serve`.
"""

from __future__ import annotations

import sys

from .control.backends import serve_control

if __name__ == "__main__":
    if sys.argv[1:] != ["--control"]:
        sys.exit("for an embedded cluster in the foreground run: pyspike serve")
    serve_control(sys.stdin, sys.stdout)
