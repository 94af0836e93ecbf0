"""The parts of bench: what records hold, which calls there are, when they are due, how latencies count."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyspike.cli.bench import hdr_log
from pyspike.cli.bench.counts import Counts, Course, Snapshot
from pyspike.cli.bench.histogram import HIGHEST, Histogram
from pyspike.cli.bench.object_spec import ObjectSpec
from pyspike.cli.bench.pace import SECOND, Pace
from pyspike.cli.bench.plan import Workload
from support.examples import examples

LATENCIES = st.lists(st.integers(0, HIGHEST), min_size=1, max_size=200)


def made(text: str, seed: int = 1) -> list[Any]:
    return list(ObjectSpec(text).make(Random(seed)).values())


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("I1", 0, 255), ("I2", 256, 65535), ("I", 2**24, 2**32 - 1), ("I8", 2**56, 2**63 - 1)],
)
def test_an_integer_has_so_many_bytes(text: str, least: int, most: int) -> None:
    values = [made(text, seed)[0] for seed in range(50)]
    assert all(least <= value <= most for value in values)
    assert len({*values}) > 30


def test_a_spec_has_a_value_for_each_bin() -> None:
    text, raw, number, flag = made("S12, B7,D , b")
    assert (len(text), len(raw)) == (12, 7)
    assert text.isalnum()
    assert isinstance(raw, bytes)
    assert isinstance(number, float)
    assert isinstance(flag, bool)


def test_lists_and_maps_hold_what_the_spec_says() -> None:
    numbers, (pair, word), pairs = made("[3*I1],[[I2,2*S3],S4],{3*S2:[I1],1*I1:D}")
    assert len(numbers) == 3
    assert (len(pair), len(pair[1]), len(pair[2]), len(word)) == (3, 3, 3, 4)
    assert [type(name) for name in pairs] == [str, str, str, int]
    assert [type(value) for value in pairs.values()] == [list, list, list, float]


def test_constants_are_always_the_same() -> None:
    text = 'true,F,12,0x1f,-10,2.5,"a, \\"b\\"",[1,"x"],{"n":1}'
    expected = [True, False, 12, 31, -10, 2.5, 'a, "b"', [1, "x"], {"n": 1}]
    assert made(text, 1) == made(text, 2) == expected


def test_the_same_seed_gives_the_same_values() -> None:
    text = "I4,S10,B10,D,b,[2*I3],{2*S4:I1}"
    assert made(text, 7) == made(text, 7)
    assert made(text, 7) != made(text, 8)


def test_bins_are_numbered_from_the_second_on() -> None:
    assert ObjectSpec("2*I1,S3", "bin").names == ["bin", "bin_2", "bin_3"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a value is missing"),
        ("I4,", "a value is missing"),
        ("I9", "1 to 8 bytes: 'I9'"),
        ("S", "this is no value: 'S'"),
        ("X4", "this is no value: 'X4'"),
        ("[I1", "',' or ']' is missing"),
        ("{S1}", "':' is missing: '}'"),
        ("{D:I1}", "a name in a map is"),
        ("{b:I1}", "a name in a map is"),
        ("{300*I1:I1}", "so many names"),
        ("I1 S2", "',' or the end is missing: 'S2'"),
        ("1.2.3", "this is no number"),
        ("99999999999999999999", "more than 8 bytes"),
        ("0*I1", "so many times"),
        ("S99999999999", "at most"),
        ("2000*I1", "longer than 15 bytes"),
    ],
)
def test_a_spec_that_can_not_be_read_says_where(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        ObjectSpec(text, "some_long_name")


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("I", (0, 1, 0)),
        ("i,60", (0, 1, 0)),
        ("RU", (0.5, 0.5, 0)),
        ("RU,80", (0.8, 0.2, 0)),
        ("RR,0", (0, 1, 0)),
        ("RUD,70,20", (0.7, 0.2, 0.1)),
        ("DB", (0, 1, 0)),
    ],
)
def test_a_workload_says_how_much_is_read_written_and_deleted(text: str, shares: tuple[float, ...]) -> None:
    workload = Workload.parse(text)
    assert (workload.reads, workload.writes, workload.deletes) == pytest.approx(shares)


@pytest.mark.parametrize(
    "text", ["", "XY", "RU,x", "RU,101", "RU,1,2", "RUD,70,40", "RUD,10", "DB,5", "RU,nan"]
)
def test_a_workload_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"workload|percentages"):
        Workload.parse(text)


def pace(rate: float = 0, calls: int | None = None, began: int = 0, seconds: float | None = None) -> Pace:
    return Pace(rate, calls, seconds, late=1000, began=began, stopping=threading.Event())


def test_with_a_rate_each_call_is_due_at_a_moment_of_its_own_however_late_it_is() -> None:
    paced = pace(rate=4, calls=3)  # from 0 on, which is long ago
    assert [paced.turn() for _ in range(4)] == [(0, 0), (1, SECOND // 4), (2, SECOND // 2), None]
    assert paced.seconds_until(SECOND // 4) == 0


def test_whoever_slept_until_a_call_was_due_counts_no_more_than_the_timer_from_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = SimpleNamespace(perf_counter_ns=lambda: 500)
    monkeypatch.setattr("pyspike.cli.bench.pace.time", now)
    assert pace().seconds_until(50_000_500) == 0.05
    assert pace().seconds_until(10 * SECOND) == 0.1  # then it is looked whether all is to end
    assert pace().awake(400) == 500  # late by what a timer may be: the call has begun now
    now.perf_counter_ns = lambda: 5000
    assert pace().awake(400) == 1400  # later than that: the rest is waiting


def test_turns_end_with_their_number_with_time_and_when_all_ends() -> None:
    assert [pace(calls=2).turn() is None for _ in range(3)] == [False] * 3
    assert pace(calls=0).turn() is None
    assert pace(seconds=1).turn() is None  # since 0
    assert pace(rate=1, calls=9, seconds=0).turn() is None
    stopping = threading.Event()
    stopped = Pace(0, None, None, late=0, began=0, stopping=stopping)
    assert stopped.turn() is not None
    stopping.set()
    assert stopped.turn() is None


def test_threads_share_the_numbers_of_calls() -> None:
    paced, taken = pace(calls=4000), list[int]()

    def take() -> None:
        while (turn := paced.turn()) is not None:
            taken.append(turn[0])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [*range(4000)]


def histogram(numbers: list[int]) -> Histogram:
    found = Histogram()
    for number in numbers:
        found.add(number)
    return found


@given(LATENCIES)
def test_percentiles_are_exact_to_three_digits(numbers: list[int]) -> None:
    counted = histogram(numbers)
    ascending = sorted(numbers)
    percents = (0.0, 50.0, 99.0, 100.0)
    exact = [ascending[max(-(-len(numbers) * int(percent) // 100) - 1, 0)] for percent in percents]
    for value, found in zip(exact, counted.percentiles(percents), strict=True):
        assert found is not None
        assert value <= found <= value * 1.001
    assert counted.total == len(numbers)
    assert counted.mean == pytest.approx(sum(numbers) / len(numbers), rel=0.001)


def test_of_nothing_there_are_no_latencies() -> None:
    assert Histogram().percentiles([50, 99]) == [None, None]
    assert (Histogram().mean, Histogram().highest, Histogram().total) == (None, None, 0)


@given(LATENCIES)
@settings(max_examples=examples(10))  # the judge takes its time
def test_the_hdr_log_is_what_hdrhistogram_reads(numbers: list[int]) -> None:
    judge = pytest.importorskip("hdrh.histogram").HdrHistogram
    told, ours = judge.decode(hdr_log.encode(histogram(numbers))), histogram(numbers)
    assert told.get_total_count() == len(numbers)
    for value, count in ours.counts.items():
        assert (told.get_lowest_equivalent_value(value), told.get_count_at_value(value)) == (value, count)
    percents = (50.0, 100.0)
    assert [told.get_value_at_percentile(percent) for percent in percents] == ours.percentiles(percents)


def test_the_hdr_log_has_a_line_for_each_period_and_call(tmp_path: Path) -> None:
    log = pytest.importorskip("hdrh.log")
    course = Course()
    for seconds, numbers in ((1.0, [1000, 2000]), (2.5, [1000, 2000, 3_000_000])):
        course.add(Snapshot(seconds, 0.5, {"get": Counts(histogram(numbers)), "put": Counts()}))
    file = tmp_path / "a.hlog"
    file.write_text("".join(hdr_log.log(course, "a test")))
    lines = [line for line in file.read_text().splitlines() if line.startswith("Tag")]
    assert [line.split(",")[:4] for line in lines] == [
        ["Tag=get", "0.000", "1.000", "0.002"],
        ["Tag=put", "0.000", "1.000", "0.000"],
        ["Tag=get", "1.000", "1.500", "3.000"],
        ["Tag=put", "1.000", "1.500", "0.000"],
    ]
    reader = log.HistogramLogReader(
        str(file), pytest.importorskip("hdrh.histogram").HdrHistogram(1, HIGHEST, 3)
    )
    counts = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        counts.append(interval.get_total_count())
    reader.close()
    assert counts == [2, 0, 1, 0]
    assert reader.start_time_sec == pytest.approx(course.started, abs=0.001)
