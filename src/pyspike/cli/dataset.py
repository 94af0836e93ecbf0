"""The demonstration's data: users with nested profiles, each made of nothing but a seed and its number.

So none of them has to be kept to be compared with what the cluster gives back. Names within maps are in the
order in which servers keep them.
"""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import Any

__all__ = ["same", "user"]

FIRST = (
    "Ann", "Ben", "Chiara", "Davi", "Émile", "Fatima", "Grzegorz", "Hana", "Inés", "Jürgen", "Kofi", "Li",
    "Mária", "Nadia", "Oleg", "Priya", "Quentin", "Rosa", "Søren", "Tomáš", "Uma", "Viktor", "Wei", "Yuki",
)  # fmt: skip
LAST = (
    "Andersen", "Bauer", "Costa", "Dubois", "Eriksson", "Fischer", "García", "Horváth", "Ito", "Jansen",
    "Kowalski", "López", "Müller", "Nguyen", "Okafor", "Papadopoulos", "Rossi", "Sharma", "Smith", "Tanaka",
    "Wójcik", "Zhang",
)  # fmt: skip
STREETS = (
    "Bridge St", "Calle Mayor", "Church Rd", "Hauptstraße", "High St", "Rue de l'Église", "Station Rd"
)  # fmt: skip
CITIES = (
    ("Aarhus", 56.16, 10.2), ("Berlin", 52.52, 13.4), ("Kraków", 50.06, 19.94), ("Lagos", 6.52, 3.38),
    ("Lyon", 45.76, 4.84), ("Mumbai", 19.08, 72.88), ("Osaka", 34.69, 135.5), ("Porto", 41.15, -8.61),
    ("São Paulo", -23.55, -46.63), ("Toronto", 43.65, -79.38),
)  # fmt: skip
LANGUAGES = ("da", "de", "en", "es", "fr", "ja", "pl", "pt")
TAGS = (
    "beta",
    "chess",
    "coffee",
    "films",
    "garden",
    "jazz",
    "maps",
    "news",
    "opera",
    "sailing",
    "tea",
    "travel",
)
PAGES = ("/", "/account", "/cart", "/help", "/item", "/search")

EPOCH = 1_735_689_600  # 2025-01-01: the first second of anything that happens in the data
YEAR = 31_536_000


def user(seed: int, number: int) -> dict[str, Any]:
    """The bins of one user."""
    dice = blake2b(b"%d/%d" % (seed, number)).digest()
    byte = iter(dice).__next__
    word = int.from_bytes(dice[32:40], "big")
    city, latitude, longitude = CITIES[byte() % len(CITIES)]
    joined = EPOCH + word % YEAR
    flags = byte()
    return {
        "name": f"{FIRST[byte() % len(FIRST)]} {LAST[byte() % len(LAST)]}",
        "email": f"user{number}@example.com",
        "born": 1950 + byte() % 56,
        "joined": joined,
        "score": byte() / 2.56,
        "premium": flags < 50,
        "avatar": dice[40:],
        "address": {
            "city": city,
            "lines": [f"{1 + byte()} {STREETS[byte() % len(STREETS)]}", f"flat {1 + byte() % 40}"],
            "place": {"lat": latitude + byte() / 4096, "lon": longitude + byte() / 4096},
            "zip": f"{word % 100_000:05}",
        },
        "prefs": {
            "language": LANGUAGES[byte() % len(LANGUAGES)],
            "limits": {"daily": word % 1000, "monthly": word % 30_000},
            "notify": {"email": flags & 1 == 1, "push": flags & 2 == 2, "sms": flags & 4 == 4},
            "theme": "dark" if flags & 8 else "light",
        },
        "tags": sorted({TAGS[byte() % len(TAGS)] for _ in range(1 + flags % 4)}),
        "recent": [
            {"ms": byte() * 10, "page": PAGES[byte() % len(PAGES)], "time": joined + byte() * 3600}
            for _ in range(flags % 3)
        ],
        "visits": byte(),
    }


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same in every part: equal, in order, and of the same types.

    `==` would not tell 1, 1.0 and True from each other.
    """
    return marshal.dumps(one, 2) == marshal.dumps(other, 2)
