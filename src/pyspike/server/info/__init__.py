"""Info messages: the text protocol by which clients connect, tend, and look after a cluster.

Start in answering.py: it splits messages and has the table of commands. call.py is what a command is given;
cluster.py has the commands about nodes and clients, data.py those about records, indexes.py and jobs.py those
about indexes and queries, modules.py those about UDF modules, logs.py those about the log, config.py and
tables.py those that answer `name=value` lists.
"""

from .answering import answer

__all__ = ["answer"]
