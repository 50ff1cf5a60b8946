"""The static schedule: proved by its checker, and the checker by planted faults; banks, limbs."""

from dataclasses import replace

import numpy as np
import pytest
from tilewright.hw.spmm.banks import place
from tilewright.hw.spmm.cost import ISSUE_TO_RESULT_CYCLES, static_timing
from tilewright.hw.spmm.entries import cut
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import Schedule, make_schedule
from tilewright.hw.spmm.schedule_check import schedule_problems

SEED = 71


def schedule_for(
    mask: np.ndarray, *, lanes: int, banks: int, slots: int = 4096, window: int = 32
) -> Schedule:
    """The schedule of ones where the mask is true."""
    rows, columns = np.nonzero(mask)
    params = SpmmParams(lanes=lanes, columns=1, banks=banks, bank_words=slots)
    entries = cut(params.lane_params, rows, columns, np.ones(len(rows), np.int64))
    return make_schedule(
        entries,
        lanes=lanes,
        banks=banks,
        slots=slots,
        num_columns=mask.shape[1],
        window=window,
    )


def random_mask(rng: np.random.Generator) -> np.ndarray:
    """Any shape and density, with empty rows, and at times a dense row and a dense column."""
    shape = rng.integers(1, (40, 60))
    mask = rng.random(shape) < rng.uniform(0, 0.5)
    mask[rng.random(shape[0]) < 0.2] = False
    if rng.random() < 0.3:
        mask[rng.integers(shape[0])] = True
    if rng.random() < 0.3:
        mask[:, rng.integers(shape[1])] = True
    return mask


@pytest.mark.parametrize("trial", range(60))
def test_random_schedules_are_right(trial: int) -> None:
    rng = np.random.default_rng([SEED, trial])
    mask = random_mask(rng)
    lanes = int(rng.integers(1, 20))
    banks = int(rng.integers(1, 3 * lanes + 1))
    schedule = schedule_for(mask, lanes=lanes, banks=banks, window=int(rng.integers(1, 40)))
    assert schedule_problems(schedule) == [], f"seed {SEED}, trial {trial}"
    assert schedule.entries.num == mask.sum()
    assert schedule.lane_loads.max() - schedule.lane_loads.min() <= 1
    least = max(schedule.least_cycles, -(-schedule.entries.num // banks))
    assert least <= schedule.num_cycles <= schedule.entries.num
    assert schedule.bank_loads.sum() == schedule.entries.num


def test_one_lane_takes_an_entry_per_cycle() -> None:
    mask = random_mask(np.random.default_rng(SEED))
    assert schedule_for(mask, lanes=1, banks=1).num_cycles == mask.sum()


def test_one_bank_gives_an_entry_per_cycle() -> None:
    mask = np.ones((4, 6), np.bool_)
    schedule = schedule_for(mask, lanes=4, banks=1)
    assert (schedule.num_cycles, schedule_problems(schedule)) == (24, [])


def test_an_arrow_reaches_its_least_cycles() -> None:
    """100 x 100, dense first row and column: 298 entries on 16 lanes are 19 cycles, if the dense
    column lies in several banks.
    """
    mask = np.eye(100, dtype=np.bool_)
    mask[0], mask[:, 0] = True, True
    schedule = schedule_for(mask, lanes=16, banks=32)
    assert schedule_problems(schedule) == []
    assert (schedule.entries.num, schedule.num_cycles) == (298, 19)
    assert schedule.placement.copies[0] > 1 and (schedule.placement.copies[1:] == 1).all()


def test_random_layer_reaches_its_least_cycles() -> None:
    """As the pruned layers: 10 % of 256 x 256 on 16 lanes with two banks each."""
    mask = np.random.default_rng(SEED).random((256, 256)) < 0.1
    schedule = schedule_for(mask, lanes=16, banks=32)
    assert schedule_problems(schedule) == [] and schedule.num_cycles == schedule.least_cycles


def test_an_empty_matrix_has_no_cycles() -> None:
    schedule = schedule_for(np.zeros((3, 4), np.bool_), lanes=4, banks=8)
    assert (schedule.num_cycles, schedule_problems(schedule)) == (0, [])
    assert schedule.closings(2).shape == (1, 4)


def test_schedules_are_the_same_again() -> None:
    mask = random_mask(np.random.default_rng(SEED))
    first, second = (schedule_for(mask, lanes=5, banks=7) for _ in range(2))
    assert np.array_equal(first.cycles, second.cycles)
    assert np.array_equal(first.banks, second.banks)


def planted(name: str, schedule: Schedule) -> Schedule:
    """The schedule with one fault."""
    cycles, banks = schedule.cycles.copy(), schedule.banks.copy()
    accumulators = schedule.accumulators.copy()
    if name == "two entries of a lane at once":
        cycles[1] = cycles[0]
    if name == "a bank without the row":
        banks[0] = (banks[0] + 1) % schedule.placement.num_banks
    if name == "two reads of a bank":
        lane = schedule.lane_of_entries
        at = np.flatnonzero((lane != lane[0]) & (schedule.entries.columns == 0))[0]
        cycles[at], banks[at] = cycles[0], banks[0]
    if name == "two accumulators for a row":
        accumulators[0] = 1 - accumulators[0]
    if name == "one accumulator for two rows":
        accumulators[:] = 0
    if name == "after the end":
        cycles[0] = schedule.num_cycles
    changed = replace(schedule, cycles=cycles, banks=banks, accumulators=accumulators)
    if name == "a carry too few":
        pieces = schedule.pieces
        return replace(schedule, pieces=replace(pieces, sends=np.zeros_like(pieces.sends)))
    return changed


@pytest.mark.parametrize(
    "name",
    [
        "two entries of a lane at once",
        "a bank without the row",
        "two reads of a bank",
        "two accumulators for a row",
        "one accumulator for two rows",
        "after the end",
        "a carry too few",
    ],
)
def test_the_checker_finds(name: str) -> None:
    mask = np.random.default_rng(SEED).random((12, 12)) < 0.6
    mask[:, 0] = True
    schedule = schedule_for(mask, lanes=4, banks=4)  # conflicts: rows overlap
    assert schedule_problems(schedule) == []
    assert schedule_problems(planted(name, schedule)), name


def test_more_rows_than_the_store_holds() -> None:
    with pytest.raises(ValueError, match="9 rows of B are read, 2 banks of 4 slots"):
        place(np.ones(9, np.int64), banks=2, slots=4, max_copies=2, cycles=9, seed=0)


@pytest.mark.parametrize("slots", [4, 5, 8])
def test_copies_never_take_the_room_of_rows(slots: int) -> None:
    counts = np.array([100, 90, *[1] * 14])
    placement = place(counts, banks=4, slots=slots, max_copies=4, cycles=20, seed=1)
    assert (placement.copies >= 1).all() and placement.num_slots <= slots
    assert (placement.copies[:2] > 1).any() == (slots > 4)


def test_hand_counted_timing() -> None:
    """Two lanes, one row of two entries: lane 1's piece goes to lane 0, which adds and answers.

    Load word in cycle 0, issue in 1, both results at the FIFO's output in 5, in the registers in 6;
    lane 1 sends in 6 (in the carry register in 7), lane 0 adds in 7, its word leaves in 8. Lane 1's
    word without a row leaves in 7.
    """
    params = SpmmParams(lanes=2, columns=1, banks=2, bank_words=4, load_words=2)
    entries = cut(params.lane_params, [0, 0], [0, 1], [1, 1])
    schedule = make_schedule(entries, lanes=2, banks=2, slots=4, num_columns=2)
    timing = static_timing(params, [schedule.closings(1)], [1])
    assert (timing.first_issue, timing.last_issue, timing.last_output) == (1, 1, 8)
    assert timing.busy_cycles == 1 + ISSUE_TO_RESULT_CYCLES + 2


@pytest.mark.parametrize("trial", range(20))
def test_timing_lies_in_its_bounds(trial: int) -> None:
    """A packet whose B is there, and enough room for results."""
    rng = np.random.default_rng([SEED, 5, trial])
    lanes = int(rng.integers(1, 12))
    schedule = schedule_for(random_mask(rng), lanes=lanes, banks=2 * lanes)
    params = SpmmParams(lanes=lanes, columns=1, banks=2 * lanes, bank_words=64, result_words=64)
    panels = int(rng.integers(1, 3))
    words = schedule.closings(panels)
    busy = static_timing(params, [words], [1]).busy_cycles
    assert len(words) <= busy <= len(words) + ISSUE_TO_RESULT_CYCLES + 2 * lanes, f"seed {SEED}"


def test_early_first_pieces_never_lock_up() -> None:
    """More rows between a lane's first piece and its neighbour's last than results have room."""
    mask = np.zeros((101, 9), np.bool_)
    for row in range(101):
        mask[row, [row % 9, (row + 1) % 9, (row + 2) % 9]] = True
    schedule = schedule_for(mask, lanes=4, banks=8)
    assert schedule.pieces.waits.sum() == 2
    params = SpmmParams(lanes=4, columns=1, banks=8, bank_words=8, result_words=6)
    words = schedule.closings(3)
    busy = static_timing(params, [words], [1]).busy_cycles
    assert len(words) <= busy <= len(words) + ISSUE_TO_RESULT_CYCLES + 8


def test_passes_and_packets_follow_without_a_gap() -> None:
    """Three packets of two passes; with two buffers B is loaded beside the work, with one after."""
    mask = np.random.default_rng(SEED).random((32, 24)) < 0.4
    schedule = schedule_for(mask, lanes=4, banks=8)
    words = [schedule.closings(2)] * 3
    num_words, load = 3 * len(words[0]), 24
    gaps = {}
    for buffers in (1, 2):
        params = SpmmParams(lanes=4, columns=1, banks=8, bank_words=16, buffers=buffers)
        timing = static_timing(params, words, [load] * 3)
        assert timing.first_issue == load
        gaps[buffers] = timing.last_issue - timing.first_issue + 1 - num_words
    assert gaps == {1: 2 * load, 2: 0}
