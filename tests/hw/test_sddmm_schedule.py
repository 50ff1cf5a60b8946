"""Schedules of masks: the checker, what it must notice, the search, the law."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from tilewright.dataflow.sparse.read import read_matrix
from tilewright.hw.sddmm import mapping
from tilewright.hw.sddmm.checker import check_schedule
from tilewright.hw.sddmm.cost import PacketWork, kernel_cycles, least_cycles
from tilewright.hw.sddmm.deal import DoesNotFitError
from tilewright.hw.sddmm.matching import match
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.hw.sddmm.schedule import schedule_mask

from tilewright.flow.sddmm_cases import random_packet

SEED = 19
ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TILEWRIGHT_DATA", ROOT.parent / "shared" / "data")) / "sparse"
PARAMS = SddmmParams(
    lanes=4, products=4, depth=10, banks=8, bank_words=24, query_rows=4, window=8, max_rows=64
)


def random_params(random):
    lanes, products, depth = (int(random.integers(1, most)) for most in (9, 5, 12))
    chunks = -(-depth // products)
    return SddmmParams(
        lanes=lanes,
        products=products,
        depth=depth,
        banks=int(random.integers(1, 2 * lanes + 2)),
        bank_words=chunks * int(random.integers(1, 6)),
        query_rows=1 << int(random.integers(0, 4)),
        window=1 << int(random.integers(1, 5)),
        output=("lanes", "rows")[int(random.integers(0, 2))],
        max_rows=64,
    )


def test_random_schedules_are_proven():
    random = np.random.default_rng(SEED)
    for number in range(150):
        params = random_params(random)
        packet = random_packet(params, random)
        num_columns, depth = packet.keys.shape
        mask = packet.pointers, packet.columns
        schedule = schedule_mask(
            params, *mask, num_columns=num_columns, depth=depth, split=packet.split
        )
        words = mapping.pack_slots(params, schedule)
        problems = check_schedule(params, words, schedule, *mask, packet.split)
        assert not problems, f"seed {SEED}, schedule {number}: {problems[:3]}"
        played = mapping.packet_work(params, schedule, key_words=1)
        least = least_cycles(params, len(packet.columns), schedule.chunks)
        assert kernel_cycles(params, [played], is_loaded=True) >= least
        assert kernel_cycles(params, [played]) >= kernel_cycles(params, [played], is_loaded=True)


@pytest.mark.parametrize("output", ["lanes", "rows"])
def test_the_checker_notices_every_field(output):
    """Each field of each word is changed in turn; those of idle lanes and banks do nothing."""
    params = replace(PARAMS, output=output)
    random = np.random.default_rng(SEED)
    mask = random.random((7, 11)) < 0.5
    pointers = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    columns = np.nonzero(mask)[1]
    schedule = schedule_mask(params, pointers, columns, num_columns=11)
    words = mapping.pack_slots(params, schedule)
    assert not check_schedule(params, words, schedule, pointers, columns)
    offset = 0
    for field in params.slot_format.fields:
        for number in (0, len(words) // 2, len(words) - 1):
            fields = params.slot_format.decode(words[number])
            changed = list(words)
            changed[number] ^= 1 << offset
            noticed = check_schedule(params, changed, schedule, pointers, columns)
            assert noticed or not _matters(field.name, fields), (field.name, number)
        offset += field.bits
    assert check_schedule(params, words[:-1], schedule, pointers, columns)
    assert check_schedule(params, [words[0], *words], schedule, pointers, columns)


def _matters(name, fields):
    what, _, number = name.rpartition("_")
    if name == "frees_keys":  # to keep K is allowed
        return not fields["last"]
    if what == "address":
        return any(
            fields[f"has_score_{lane}"] and fields[f"bank_{lane}"] == int(number)
            for lane in range(PARAMS.lanes)
        )
    if not number.isdigit() or what == "is_active":
        return True
    if what in ("bank", "query", "row", "is_row_end"):
        return bool(fields[f"has_score_{number}"])
    return bool(fields[f"is_active_{number}"])


def test_rows_stay_whole_and_lanes_even():
    """Rows of 5, 4, 3, 3 and 1 scores on two lanes: 5 + 3 and 4 + 3 + 1; the empty one nowhere."""
    params = replace(PARAMS, lanes=2)
    pointers = np.cumsum([0, 1, 3, 0, 5, 3, 4])
    columns = [0, *range(3), *range(5), *range(3), *range(4)]
    schedule = schedule_mask(params, pointers, columns, num_columns=5, split="rows")
    assert schedule.lane_rows == [[3, 4], [0, 1, 5]]
    assert schedule.lane_loads.tolist() == [8, 8]
    words = mapping.pack_slots(params, schedule)
    assert not check_schedule(params, words, schedule, pointers, columns, "rows")
    # The same words are wrong for lanes that share rows, and for a lane that has a row twice.
    assert check_schedule(params, words, schedule, pointers, columns)
    twice = replace(schedule, scores=(schedule.scores[0], schedule.scores[0]))
    problems = check_schedule(params, words, twice, pointers, columns, "rows")
    assert "a nonzero belongs to two lanes, or to none" in problems
    with pytest.raises(DoesNotFitError, match="must be lanes for a split by rows"):
        schedule_mask(
            replace(params, output="rows"), pointers, columns, num_columns=5, split="rows"
        )


def test_overlapping_keys_are_noticed():
    schedule = schedule_mask(PARAMS, [0, 2], [0, 1], num_columns=2)
    both = replace(schedule.placement, bank=np.array([3, 3]), address=np.array([4, 6]))
    words = mapping.pack_slots(PARAMS, replace(schedule, placement=both))
    problems = check_schedule(PARAMS, words, replace(schedule, placement=both), [0, 2], [0, 1])
    assert any("both in 3, 6" in problem for problem in problems)


def test_the_search_serves_as_many_lanes_as_can_be():
    """Against scipy's maximum matching, where no two lanes want one row."""
    random = np.random.default_rng(SEED)
    for number in range(300):
        lanes, banks = random.integers(1, 9, 2).tolist()
        choices = [list(range(int(random.integers(0, 5)))) for _ in range(lanes)]
        bank = [random.integers(0, banks, len(places)).tolist() for places in choices]
        column = [[10 * lane + place for place in choices[lane]] for lane in range(lanes)]
        wanted = np.zeros((lanes, banks), int)
        for lane, of_lane in enumerate(bank):
            wanted[lane, of_lane] = 1
        graph = scipy.sparse.csr_array(wanted)
        most = (scipy.sparse.csgraph.maximum_bipartite_matching(graph) >= 0).sum()
        chosen = match(range(lanes), choices, bank, column)
        assert len(chosen) == most, f"seed {SEED}, graph {number}"
        taken = [bank[lane][place] for lane, place in chosen.items()]
        assert len(set(taken)) == len(taken)


def test_lanes_that_want_one_row_share_its_bank():
    bank = [[0, 1], [0, 1], [0]]
    assert match([0, 1, 2], [[0, 1], [0, 1], [0]], bank, [[5, 6], [5, 6], [5]]) == dict.fromkeys(
        range(3), 0
    )


def test_a_lane_that_gives_way_takes_nobody_with_it():
    """A shared bank stays with the row that is shared: the choice of the lanes that hold it."""
    random = np.random.default_rng(SEED)
    for number in range(500):
        lanes, banks, rows = random.integers(1, 9), random.integers(1, 4), random.integers(1, 7)
        bank_of = random.integers(0, banks, rows)
        column = [random.integers(0, rows, random.integers(0, 5)).tolist() for _ in range(lanes)]
        bank = [[int(bank_of[c]) for c in of_lane] for of_lane in column]
        choices = [list(range(len(of_lane))) for of_lane in column]
        read = {}
        for lane, place in match(range(lanes), choices, bank, column).items():
            row = read.setdefault(bank[lane][place], column[lane][place])
            assert row == column[lane][place], f"seed {SEED}, graph {number}: two rows of one bank"


@pytest.mark.parametrize(
    ("changes", "mask", "key"),
    [
        ({"max_rows": 2}, ([0, 1, 1, 1], [0]), "max_rows"),
        ({"bank_words": 3}, ([0, 9], range(9)), "bank_words"),
        ({}, ([0, 1], [0], 11), "depth"),
    ],
)
def test_what_does_not_fit_is_named(changes, mask, key):
    pointers, columns, *depth = mask
    with pytest.raises(DoesNotFitError) as caught:
        schedule_mask(
            replace(PARAMS, **changes),
            pointers,
            list(columns),
            num_columns=9,
            depth=depth[0] if depth else None,
        )
    assert caught.value.key == key


def test_a_placement_without_a_needed_row_is_refused():
    first = schedule_mask(PARAMS, [0, 1], [0], num_columns=2)
    with pytest.raises(ValueError, match="is not stored"):
        schedule_mask(PARAMS, [0, 1], [1], num_columns=2, placement=first.placement)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 0}, "lanes: at least 1"),
        ({"window": 1}, "window: at least 2"),
        ({"window": 6}, "window: a power of two"),
        ({"query_rows": 3}, "query_rows: a power of two"),
        ({"accumulator_bits": 49}, "accumulator_bits: 8..48"),
        ({"output": "columns"}, "output: one of lanes, rows"),
        ({"bank_words": 2}, "bank_words: at least 3"),
        ({"load_words": 3}, "load_words: a divisor of banks"),
    ],
)
def test_parameters_that_make_no_hardware(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(PARAMS, **changes)


def test_the_law_by_hand():
    """One score of one product: K and Q come in cycle 0, the slot is held in cycle 1 and starts.

    Bank 2, operands 3, product 4, sum 5, in its place 6 at the end of which it leaves: 7 cycles.
    """
    params = SddmmParams(lanes=1, products=1, depth=1, banks=1, bank_words=1, query_rows=1)
    work = PacketWork(chunks=1, places=[[0]], takes=[1], frees=[1], words=[1], key_words=1)
    assert kernel_cycles(params, [work]) == 7
    assert kernel_cycles(replace(params, output="rows"), [work]) == 8
    # Eight products more need a tree of three levels: two registers. Six chunks: five cycles more.
    wide = replace(params, products=8, depth=48, bank_words=6)
    six = replace(work, chunks=6, key_words=6)
    assert kernel_cycles(wide, [six], is_loaded=True) == 7 + 2 + 5


@pytest.mark.skipif(not DATA.is_dir(), reason="no matrix collection beside the project")
@pytest.mark.parametrize(("name", "goal"), [("transformer*0.9*", 0.99), ("rn50*0.8*", 0.98)])
@pytest.mark.parametrize("output", ["lanes", "rows"])
def test_public_masks(name, goal, output):
    """The law's occupancy on layers of the DLMC, with proof; the benchmark simulates them."""
    params = SddmmParams(
        lanes=16, products=8, depth=64, banks=32, bank_words=128, query_rows=128, output=output
    )
    (path,) = DATA.glob(f"{name}.smtx")
    mask = read_matrix(path)
    csr = mask.pointers, mask.indices
    schedule = schedule_mask(params, *csr, num_columns=mask.columns)
    assert not check_schedule(params, mapping.pack_slots(params, schedule), schedule, *csr)
    work = mapping.packet_work(params, schedule, key_words=1)
    cycles = kernel_cycles(params, [work], is_loaded=True)
    assert mask.num_entries * 64 / (16 * 8 * cycles) > goal
