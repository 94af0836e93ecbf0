"""top: a live table of a cluster's nodes and namespaces.

    command       the command: looks, and shows what it has seen
looking       a look: what nodes answer
figures       two looks become figures; pure functions
applications  what an application's client shows to Prometheus
tables        how figures are shown
"""

from pyspike.cli.top.command import top

__all__ = ["top"]
