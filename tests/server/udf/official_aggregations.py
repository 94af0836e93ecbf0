"""The official client's aggregations, in a process of its own: once a process it takes the folder of modules.

    python official_aggregations.py HOST:PORT FOLDER < calls > results

A call is the namespace, the set, the module, the function, its arguments, and the range of the bin i or null.
Results are lists, of `results()` and of `foreach`, or one text with the words of an error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import aerospike  # type: ignore[import-untyped]
from aerospike import predicates


def plain(value: Any) -> Any:
    """A value as JSON, with texts as the keys of maps, bytes in hexadecimal, and places as objects."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return json.loads(value.dumps()) if isinstance(value, aerospike.GeoJSON) else value


def main(seed: str, folder: str) -> None:
    host, _, port = seed.rpartition(":")
    config = {"hosts": [(host, int(port))], "lua": {"user_path": folder}}
    client = aerospike.client({**config, "policies": {"query": {"total_timeout": 20_000}}}).connect()

    def made(call: list[Any]) -> Any:  # a query loses its arguments when it is run
        namespace, set_name, module, function, arguments, chosen = call
        query = client.query(namespace, set_name)
        if chosen is not None:
            query.where(predicates.between("i", *chosen))
        query.apply(module, function, arguments)
        return query

    answers = []
    for call in json.load(sys.stdin):
        seen: list[Any] = []
        try:
            made(call).foreach(lambda value, seen=seen: seen.append(value))
            answers.append([[plain(each) for each in made(call).results()], [plain(each) for each in seen]])
        except aerospike.exception.AerospikeError as error:
            answers.append(str(error.msg))
    client.close()
    print("\n" + json.dumps(answers))  # on a line of its own: the client prints too


if __name__ == "__main__":
    main(*sys.argv[1:])
