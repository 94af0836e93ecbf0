"""The best of a game: one ordered map, in which the server counts and ranks.

    python examples/leaderboard.py

A record has the scores of one game, by player. The map is ordered by key and value, so that a rank costs no
sorting. Everybody who has ever played is in it, as who is cut off would begin at no points again. With more
than some ten thousand players share them out over several records.
"""

from __future__ import annotations

import random
from typing import Any

from place import hosts

from pyspike import Client, Key, MapOrder, MapReturnType, Operation, RecordNotFound
from pyspike.operations import maps


class Leaderboard:
    """The scores of a game."""

    def __init__(self, client: Client, game: str) -> None:
        self._client = client
        self._key = Key("test", "leaderboards", game)

    def score(self, player: str, points: int) -> tuple[int, int]:
        """Add points to a player's score; returns the score and the place, from 1, in one round trip."""
        record = self._client.operate(
            self._key,
            [
                maps.increment("scores", player, points, order=MapOrder.KEY_VALUE_ORDERED),
                maps.get_by_key("scores", player, return_type=MapReturnType.REVERSE_RANK),
            ],
        )
        total, before = record.results
        return total, before + 1

    def best(self, count: int) -> list[tuple[str, int]]:
        """The best players with their scores, the best first; none if nobody has played yet."""
        found = self._read(maps.get_by_rank_range("scores", -count, return_type=MapReturnType.KEY_VALUE))
        return sorted(dict(found or {}).items(), key=lambda entry: (-entry[1], entry[0]))

    def around(self, player: str) -> list[str]:
        """The players that are just behind, at and before a player's score; none if the player has none."""
        score = self._read(maps.get_by_key("scores", player, return_type=MapReturnType.VALUE))
        if score is None:
            return []
        near = maps.get_by_value_relative_rank_range("scores", score, -1, 3, return_type=MapReturnType.KEY)
        return list(self._read(near) or [])

    def _read(self, operation: Operation) -> Any:
        """What an operation gives; None if there is no such game."""
        try:
            return self._client.operate(self._key, [operation]).results[0]
        except RecordNotFound:
            return None


def main() -> None:
    dice = random.Random(7)
    with hosts() as where, Client(where) as client:
        board = Leaderboard(client, f"chess-{dice.random()}")
        for _ in range(500):
            board.score(f"player-{dice.randrange(40)}", dice.randrange(100))
        total, place = board.score("player-7", 10_000)
        print(f"player-7 has {total} points and is number {place}")
        for number, (player, points) in enumerate(board.best(3), 1):
            print(f"{number}. {player}: {points}")
        print("around player-20:", ", ".join(board.around("player-20")))


if __name__ == "__main__":
    main()
