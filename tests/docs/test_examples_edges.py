"""What the examples do where there is nothing yet, with what nobody knows, and with input that is wrong."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pyspike import Client, RecordNotFound

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.one_kind("each says which client it uses")


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A program of the folder, as a module."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for package in {"celery_task": ["celery"], "etl": ["rich"]}.get(request.param, []):
        pytest.importorskip(package)
    before = set(sys.modules)
    yield importlib.import_module(request.param)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(EXAMPLES)):
            del sys.modules[name]


@pytest.fixture
def name(key: object) -> str:
    """No other test's."""
    return str(getattr(key, "user_key", ""))


@pytest.mark.parametrize("example", ["leaderboard"], indirect=True)
def test_a_game_begins_without_players(example: ModuleType, client: Client, name: str) -> None:
    board = example.Leaderboard(client, name)
    assert board.best(3) == []
    assert board.around("ann") == []
    assert board.score("ann", 5) == (5, 1)
    assert board.around("nobody") == []
    assert board.best(3) == [("ann", 5)]
    assert board.around("ann") == ["ann"]


@pytest.mark.parametrize("example", ["leaderboard"], indirect=True)
def test_nobody_loses_points_however_many_play(example: ModuleType, client: Client, name: str) -> None:
    board = example.Leaderboard(client, name)
    for number in range(1200):
        board.score(f"p{number}", 1000)
    assert board.score("late", 50) == (50, 1201)
    assert board.score("late", 60) == (110, 1201)
    assert board.score("late", 5000) == (5110, 1)
    assert board.best(1) == [("late", 5110)]


@pytest.mark.parametrize("example", ["rate_limiter"], indirect=True)
def test_a_limit_of_no_calls_is_refused(example: ModuleType, client: Client, name: str) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        example.RateLimiter(client, calls=0, seconds=60)
    limiter = example.RateLimiter(client, calls=1, seconds=60, clock=lambda: 30.0)
    assert [limiter.take(name), limiter.take(name)] == [0, None]


@pytest.mark.parametrize("example", ["celery_task"], indirect=True)
def test_an_account_that_is_not_there_is_not_charged(
    example: ModuleType, client: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "clients", [client])
    with pytest.raises(RecordNotFound):
        example.charge("o1", name, 30)
    assert not client.exists(("test", "accounts", name))


@pytest.mark.parametrize("example", ["etl"], indirect=True)
def test_a_row_that_is_wrong_is_told_and_the_others_are_loaded(
    example: ModuleType, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text('id,user,amount\n1,ann,5\n2,ben,much\nthree,ann,1\n4\n5,"an\nn",7\n', encoding="utf-8")
    wrong: list[str] = []
    with file.open(newline="", encoding="utf-8") as lines:
        good = list(example.rows(lines, wrong))
    assert [row.key.user_key for row in good] == [1, 5]
    assert [each.partition(":")[0] for each in wrong] == ["line 3", "line 4", "line 5"]
    try:
        assert example.load(client, file) == (2, wrong)
        assert example.sums(client) == {"ann": 5, "an\nn": 7}
        file.write_text("", encoding="utf-8")
        assert example.load(client, file) == (0, [])
    finally:
        client.truncate("test", "orders")
