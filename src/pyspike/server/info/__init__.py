"""Info messages: the text protocol by which clients connect, tend, look at a node and administer it.

Start in answering.py: it takes messages apart and has the table of commands. call.py is what a command is
given; cluster.py has those about nodes and clients, data.py those about records, indexes and jobs, config.py
and tables.py the `k=v` lists.
"""

from .answering import answer

__all__ = ["answer"]
