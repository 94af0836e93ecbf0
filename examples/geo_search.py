"""Shops near a point, by a geospatial index.

python examples/geo_search.py
"""

from __future__ import annotations

import math
import random

from place import hosts

from pyspike import Client, GeoJSON, IndexType, Statement, exp, filters

KINDS = ("bakery", "books", "tea")
CENTRE = (13.405, 52.52)  # longitude, latitude


def metres(one: tuple[float, float], two: tuple[float, float]) -> float:
    """How far two points are from each other, on a sphere."""
    (a, b), (c, d) = ([math.radians(number) for number in each] for each in (one, two))
    half = math.sin((d - b) / 2) ** 2 + math.cos(b) * math.cos(d) * math.sin((c - a) / 2) ** 2
    return 12_742_000 * math.asin(math.sqrt(half))


def near(client: Client, point: tuple[float, float], radius: float, kind: str) -> list[tuple[float, str]]:
    """The shops of a kind within so many metres, the nearest first."""
    statement = Statement(
        "test", "shops", ["name", "place"], where=filters.geo_within_radius("place", *point, radius)
    )
    shops = client.query(statement, filter_expression=exp.str_bin("kind") == kind)
    found = []
    for shop in shops:
        longitude, latitude = shop["place"].unwrap()["coordinates"]
        found.append((metres(point, (longitude, latitude)), str(shop["name"])))
    return sorted(found)


def main() -> None:
    dice = random.Random(11)
    with hosts() as where, Client(where) as client:
        client.batch_put(
            {
                ("test", "shops", n): {
                    "name": f"{KINDS[n % 3]} no. {n}",
                    "kind": KINDS[n % 3],
                    "place": GeoJSON(
                        {"type": "Point", "coordinates": [dice.gauss(13.405, 0.05), dice.gauss(52.52, 0.03)]}
                    ),
                }
                for n in range(600)
            }
        )
        client.create_index("test", "shops", "shops_by_place", bin="place", type=IndexType.GEO2DSPHERE).wait()
        found = near(client, CENTRE, 1000, "tea")
        print(f"{len(found)} shops for tea within 1000 m")
        for distance, name in found[:3]:
            print(f"{distance:5.0f} m  {name}")
        client.drop_index("test", "shops_by_place").wait()
        client.truncate("test", "shops")


if __name__ == "__main__":
    main()
