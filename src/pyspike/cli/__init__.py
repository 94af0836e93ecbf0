"""The `pyspike` command: a demonstration, an embedded server, and single commands to a cluster.

    app          the command with its subcommands; how it ends
    failures     what an error becomes
    options      what subcommands share: where to connect, how keys are written
    records      get, put, delete, exists, touch
    operating    operate, with operations written as calls (operation_calls)
    searching    scan and query, of the words in conditions
    exporting    export: a set to files
    loading      load: files to records (load_rows what becomes of rows, json_lines those of JSON)
    copying      copy: from cluster to cluster
    bulk         what these three share: ranges of partitions in threads, and notes of what is done
    table_files  Parquet, Arrow and CSV (csv_files, csv_keys)
    indexes      index: secondary indexes
    truncating   truncate
    modules      udf: modules of Lua functions
    info         info commands, and an overview of the cluster
    serve        the embedded server in the foreground
    doctor       a look at a cluster: the way there (doctor_network), what servers say (doctor_servers)
    findings     what doctor has found
    shell        a Python prompt with a client
    top          a live table of nodes and namespaces (a package of its own)
    bench        a load, and what it costs (a package of its own)
    completion   what a shell is told to complete words
    demo         the demonstration, with its data (dataset), its workers (workload) and its words (report)

Only `main` is here, because it must work without the packages that the others need.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspike import other_distribution

__all__ = ["main"]

NEEDS = {"click", "msgpack", "rich"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `app` has the list of codes."""
    if not other_distribution.is_whole() and (wrong := other_distribution.explanation()) is not None:
        print(f"pyspike: {wrong}", file=sys.stderr)
        return 2
    try:
        from pyspike.cli.app import run

        return run(arguments)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in NEEDS:
            raise
        advice = "install it with: pip install 'pyspike-aerospike[cli]'"
        print(f"pyspike: the command line needs {missing}; {advice}", file=sys.stderr)
        return 2
