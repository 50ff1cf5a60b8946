"""Mode dynamic of spmm without Verilog: choosers, windows, streams, the law's own arithmetic."""

import numpy as np
import pytest
from tilewright.hw.lib.banked_store import load_word_layout
from tilewright.hw.spmm import dynamic_cost, dynamic_mapping, mapping
from tilewright.hw.spmm.cost import ISSUE_TO_RESULT_CYCLES
from tilewright.hw.spmm.dynamic_arbiter import ArbiterParams, BankArbiter
from tilewright.hw.spmm.dynamic_lane import dynamic_lane_params, stream_layout
from tilewright.hw.spmm.dynamic_window import Window, WindowParams
from tilewright.hw.spmm.entries import cut
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.pysim import put, simulate

from tilewright.flow.spmm_work import KINDS, draw_matrices
from tilewright.spec.numbers import NumberFormat

SEED = 53


def params(**changes) -> SpmmParams:
    """Small ones of mode dynamic."""
    values = {"lanes": 4, "columns": 2, "banks": 8, "bank_words": 32, "max_rows": 64}
    return SpmmParams(mode="dynamic", max_panels=8, **(values | changes))


def packet_of(p: SpmmParams, kind: str, seed: int):
    """Matrices, streams, load words."""
    matrices = draw_matrices(p, np.random.default_rng([SEED, seed]), kind)
    panels = -(-matrices.b.shape[1] // p.columns)
    placement = dynamic_mapping.place_in_turn(len(matrices.b), p.banks)
    entries = cut(p.lane_params, matrices.rows, matrices.columns, matrices.values)
    return matrices, dynamic_mapping.packet(p, placement, entries, panels), panels


def test_every_lane_that_keeps_asking_has_its_turn() -> None:
    """All lanes want one bank: each has it once in as many cycles as there are lanes."""
    lanes, banks, cycles = 5, 3, 40
    arbiter = BankArbiter(ArbiterParams(lanes=lanes, banks=banks))

    async def bench(ctx):
        for lane in range(lanes):
            ctx.set(arbiter.asks_first[lane], 0b010)
        for _ in range(cycles):
            await ctx.tick()

    trace = simulate(arbiter, [bench], {"wins": arbiter.wins_first})
    wins = trace["wins"][:cycles]
    assert all(win.bit_count() == 1 for win in wins)
    for start in range(cycles - lanes):
        assert sum(wins[start : start + lanes]) == (1 << lanes) - 1, f"cycle {start}: {wins}"


def test_no_bank_is_given_twice() -> None:
    """Random requests: winners asked for what they got, and no bank has two; seed 53."""
    lanes, banks, cycles = 6, 4, 200
    arbiter = BankArbiter(ArbiterParams(lanes=lanes, banks=banks))
    rng = np.random.default_rng(SEED)
    asked = []

    async def bench(ctx):
        for _ in range(cycles):
            wants = [int(rng.integers(-1, banks)) for _ in range(lanes)]
            for lane, bank in enumerate(wants):
                ctx.set(arbiter.asks_first[lane], 0 if bank < 0 else 1 << bank)
            won, taken = ctx.get(arbiter.wins_first), ctx.get(arbiter.is_taken)
            others = []
            for lane in range(lanes):
                free = [bank for bank in range(banks) if not taken >> bank & 1]
                bank = int(rng.choice(free)) if free and not won >> lane & 1 else -1
                others.append(bank)
                ctx.set(arbiter.asks_second[lane], 0 if bank < 0 else 1 << bank)
            asked.append((wants, won, taken, others, ctx.get(arbiter.wins_second)))
            await ctx.tick()

    simulate(arbiter, [bench], {"taken": arbiter.is_taken})
    for cycle, (wants, won, taken, others, won_second) in enumerate(asked):
        first = [bank for lane, bank in enumerate(wants) if won >> lane & 1]
        second = [bank for lane, bank in enumerate(others) if won_second >> lane & 1]
        assert sorted(first) == sorted({bank for bank in wants if bank >= 0}), cycle
        assert sum(1 << bank for bank in first) == taken, cycle
        assert sorted(second) == sorted({bank for bank in others if bank >= 0}), cycle


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_rows_end_in_order_and_two_are_open_at_most(depth: int) -> None:
    """Entries overtake each other where banks are gone, but rows keep apart; seed 53."""
    p = WindowParams(depth=depth, banks=3, address_bits=2, operand_bits=8)
    window, cycles = Window(p), 400
    rng = np.random.default_rng([SEED, depth])
    ends = rng.random(80) < 0.4
    ends[-1] = True
    banks = rng.integers(p.banks, size=len(ends)).tolist()
    words = [
        {"bank": bank, "address": 1, "operand": n, "is_row_end": int(end), "is_packet_end": 0}
        for n, (bank, end) in enumerate(zip(banks, ends, strict=True))
    ]

    async def answer(ctx):
        ctx.set(window.is_open, 1)
        for _ in range(cycles):
            others = int(rng.integers(1 << p.banks))
            mine = ctx.get(window.asks_first) & ~others
            ctx.set(window.is_taken, others | mine)
            ctx.set(window.wins_first, int(mine != 0))
            ctx.set(window.wins_second, int(ctx.get(window.asks_second) != 0))
            await ctx.tick()

    async def feed(ctx):
        await put(ctx, window.i, words)

    names = ("operand", "row", "is_first", "is_last")
    watch = {name: window.o[name] for name in names} | {"valid": window.o_valid}
    trace = simulate(window, [feed, answer], watch)
    went = [[trace[name][cycle] for name in names] for cycle in trace.when("valid")]
    row_of = np.cumsum([0, *ends[:-1]]).tolist()
    left, begun = np.bincount(row_of), set()
    assert sorted(number for number, *_ in went) == list(range(len(ends)))
    assert depth == 1 or [number for number, *_ in went] != list(range(len(ends)))
    for number, bit, is_first, is_last in went:
        row = row_of[number]
        oldest = int(np.flatnonzero(left)[0])
        assert row - oldest in (0, 1), f"entry {number} of row {row}, {oldest} is open"
        left[row] -= 1
        assert (bit, is_first, is_last) == (row % 2, row not in begun, left[row] == 0), number
        assert not is_last or row == oldest, f"row {row} ends before row {oldest}"
        begun.add(row)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_mean_the_product(kind: str) -> None:
    """The words, decoded field by field and played without any hardware, give A B by NumPy."""
    p = params(a_format=NumberFormat(bits=12), limb_bits=5, block_rows=2, banks=3, load_words=3)
    matrices, lanes, panels = packet_of(p, kind, 1)
    layout = stream_layout(dynamic_lane_params(p))
    placement = dynamic_mapping.place_in_turn(len(matrices.b), p.banks)
    store = stored_words(p, mapping.pack_b(p, placement, matrices.b))
    shape = (matrices.num_rows * 2, panels * p.columns)
    c = np.zeros(shape, np.int64)
    for words in lanes:
        kept = np.zeros((2, p.columns), np.int64)
        for word in dynamic_mapping.pack(p, words):
            fields = layout.from_bits(word)
            if fields.is_product:
                kept += np.outer(limb_values(p, fields), store[fields.bank, fields.address])
            if fields.is_row_end:
                top, left = fields.row * 2, fields.panel * p.columns
                c[top : top + 2, left : left + p.columns] += kept
                kept[:] = 0
    dense = np.zeros((*shape[:1], len(matrices.b)), np.int64)
    for row, column, values in zip(matrices.rows, matrices.columns, matrices.values, strict=True):
        dense[row * 2 : row * 2 + 2, column] += values
    assert (c[:, : matrices.b.shape[1]] == dense @ matrices.b).all(), f"{kind}, seed {SEED}"


def limb_values(p: SpmmParams, fields) -> list[int]:
    """What the limbs of a word stand for."""
    sign = 1 << (p.limb_bits - 1) if fields.is_high else 0
    limbs = [int(limb) for limb in fields.limbs]
    return [((limb ^ sign) - sign) << (fields.position * p.limb_bits) for limb in limbs]


def stored_words(p: SpmmParams, words: list[int]) -> dict[tuple[int, int], list[int]]:
    """Elements by bank and address, from the words of `b`."""
    store = {}
    for word in words:
        for group, write in enumerate(load_word_layout(p.store_params).from_bits(word).writes):
            if write.is_valid:
                bits, data = p.b_format.bits, int(write.data)
                elements = [data >> (n * bits) & ((1 << bits) - 1) for n in range(p.columns)]
                signed = [e - (1 << bits) if e >> (bits - 1) else e for e in elements]
                bank = group * p.store_params.group + write.bank
                store[bank, int(write.address)] = signed
    return store


def test_lanes_share_the_entries_and_the_last_word_ends_the_packet() -> None:
    """Equal shares; a lane without a share has a word that ends the packet only."""
    p = params(lanes=6)
    _, lanes, panels = packet_of(p, "random", 2)
    sizes = [len(words) // panels for words in lanes]
    assert max(sizes) - min(sizes) <= 1
    _, few, panels = packet_of(p, "empty", 3)
    assert [len(words) for words in few] == [1] * 6
    for words in (*lanes, *few):
        assert words.last.tolist() == [0] * (len(words) - 1) + [1]
        assert words.is_row_end[-1] == 1
        assert len(dynamic_mapping.pack(p, words)) == len(words)
        assert max(dynamic_mapping.pack(p, words)) < 2 << dynamic_mapping.word_bits(p)
    assert stream_layout(dynamic_lane_params(p)).size == dynamic_mapping.word_bits(p) + 1


def test_cycles_by_hand() -> None:
    """One lane, one row of n entries, B of l words: taken from cycle l on, started two cycles
    later, one per cycle; the row leaves 5 cycles after its last: l + 2 + (n - 1) + 5, from 0.
    """
    p = params(lanes=1, banks=1, window=1)
    n = 7
    entries = cut(p.lane_params, [3] * n, range(n), [[1]] * n)
    streams = dynamic_mapping.packet(p, dynamic_mapping.place_in_turn(n, 1), entries, 1)
    assert ISSUE_TO_RESULT_CYCLES == 5
    assert dynamic_cost.kernel_cycles(p, [streams], [n]) == n + 2 + (n - 1) + 5 + 1


def test_one_cycle_between_packets() -> None:
    """Starts follow each other, but for one cycle where the store turns to the next packet's B."""
    p = params(lanes=1, banks=2)
    n, packets = 9, 3
    entries = cut(p.lane_params, [0] * n, range(n), [[1]] * n)
    streams = dynamic_mapping.packet(p, dynamic_mapping.place_in_turn(n, 2), entries, 1)
    starts = np.sort(dynamic_cost.times(p, [streams] * packets, [n] * packets).starts[0])
    assert np.diff(starts).tolist() == [2 if i % n == 0 else 1 for i in range(1, n * packets)]


def test_two_lanes_at_one_bank_take_turns() -> None:
    """Both lanes need only bank 0: its reads follow each other, and no two are in one cycle."""
    p = params(lanes=2, banks=4)
    n = 12
    entries = cut(p.lane_params, [0] * n, [0] * n, [[1]] * n)
    streams = dynamic_mapping.packet(p, dynamic_mapping.place_in_turn(1, 4), entries, 1)
    starts = dynamic_cost.times(p, [streams], [1]).starts
    assert sorted(np.concatenate(starts).tolist()) == list(range(3, 3 + n))


@pytest.mark.parametrize("window", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["random", "dense_row", "duplicates"])
def test_bounds_of_the_law(window: int, kind: str) -> None:
    """Longest lane and most read bank from below; from above one start per cycle, as documented."""
    p = params(window=window, lanes=5, banks=7)
    for seed in range(5):
        _, streams, _ = packet_of(p, kind, seed)
        times = dynamic_cost.times(p, [streams], [1])
        low, high = dynamic_cost.bounds(p, streams)
        assert low <= times.work_cycles <= high, f"seed {SEED}, {seed}"
        banks = np.concatenate([words.bank for words in streams])
        starts = np.concatenate(times.starts)
        assert len(set(zip(banks.tolist(), starts.tolist(), strict=True))) == len(banks)
