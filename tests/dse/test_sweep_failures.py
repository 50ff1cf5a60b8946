"""Failures by kind: numbers aside, one rule is one kind."""

from tilewright.dse.sweep_failures import MOST_KINDS, failure_lines, joined_ranges, kinds_of
from tilewright.dse.sweep_tasks import Failed


def failed(start: int, error: str, stop: int | None = None) -> Failed:
    return Failed(start=start, stop=start + 1 if stop is None else stop, error=error)


def test_texts_that_differ_in_numbers_are_one_kind() -> None:
    failures = [
        failed(7, "scratchpad.capacity: must be banks 8 x word of 16 bytes, got 16KiB"),
        failed(3, "no room", stop=5),
        failed(9, "scratchpad.capacity: must be banks 3 x word of 4 bytes, got 1,024B"),
        failed(11, "scratchpad.capacity: must be banks 12 x word of 4 bytes, got 2.5MiB", stop=13),
    ]
    first, second = kinds_of(failures)
    assert (first.count, first.first, first.error) == (4, 7, failures[0].error)
    assert (second.count, second.first, second.error) == (2, 3, "no room")
    assert failure_lines(failures)[1] == "2 designs failed; the first, 3: no room"
    assert failure_lines(failures[:1])[0].startswith("1 design failed; the first, 7: scratchpad")


def test_names_with_numbers_stay_apart() -> None:
    assert len(kinds_of([failed(0, "a: rows"), failed(1, "b: rows"), failed(2, "int8 it is")])) == 3


def test_many_kinds_end_in_one_line() -> None:
    failures = [failed(i, "x" * (i + 1)) for i in range(MOST_KINDS + 5)]
    lines = failure_lines(failures)
    assert len(lines) == MOST_KINDS + 1
    assert lines[-1] == "5 designs failed for 5 other reasons"


def test_neighbours_with_one_text_are_one_range() -> None:
    joined = joined_ranges([failed(5, "a"), failed(4, "a"), failed(6, "b"), failed(8, "b")])
    assert joined == [failed(4, "a", stop=6), failed(6, "b"), failed(8, "b")]
