"""A CSV file into records and out again, with progress, in flat memory.

    python examples/etl.py [FILE]

Rows go through a batch stream: a bounded number is under way, and what failed is told row by row. The way out
is a query, from which a table of sums is made. For tables of columns there is `client.write_arrow`, and for
whole sets `pyspike load` and `pyspike export`.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from place import hosts
from rich.console import Console
from rich.progress import track

from pyspike import BatchWrite, Client, Statement
from pyspike import operations as op

ROWS = 5000


def rows(lines: Iterable[str], wrong: list[str]) -> Iterator[BatchWrite]:
    """A row of the file is a record; what is no order is noted, and not sent."""
    reader = csv.DictReader(lines)
    for line in reader:
        try:
            key = ("test", "orders", int(line["id"]))
            bins = [op.put("user", line["user"]), op.put("amount", int(line["amount"]))]
        except (TypeError, ValueError) as error:  # no number, or a row that is too short
            wrong.append(f"line {reader.line_num}: {error}")
        else:
            yield BatchWrite(key, bins, ttl=86_400)


def load(client: Client, file: Path) -> tuple[int, list[str]]:
    """How many rows were written, and what was wrong with the others."""
    wrong: list[str] = []
    written = 0
    with file.open(newline="", encoding="utf-8") as lines:
        total = max(0, sum(1 for _ in lines) - 1)  # for the bar; a text may have several lines
        lines.seek(0)
        with client.batch_stream(rows(lines, wrong), timeout=60_000) as outcomes:
            for row in track(outcomes, "Loading", total=total, console=Console(stderr=True)):
                if row.ok:
                    written += 1
                else:
                    wrong.append(f"order {row.key.user_key!r}: {row.error}")
    return written, wrong


def sums(client: Client) -> Counter[str]:
    """What each user has ordered."""
    found: Counter[str] = Counter()
    for record in client.query(Statement("test", "orders", ["user", "amount"])):
        found[record["user"]] += record["amount"]
    return found


def write_sample(file: Path, numbers: Iterable[int]) -> None:
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["id", "user", "amount"])
        writer.writerows([n, f"user-{n % 7}", n % 100] for n in numbers)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, hosts() as where, Client(where) as client:
        file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder, "orders.csv")
        if len(sys.argv) == 1:
            write_sample(file, range(ROWS))
        written, wrong = load(client, file)
        print(f"{written} rows written, {len(wrong)} failed", *wrong[:5], sep="\n")
        for user, amount in sums(client).most_common(3):
            print(f"{user}: {amount}")
        client.truncate("test", "orders")


if __name__ == "__main__":
    main()
