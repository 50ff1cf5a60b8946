"""Placement in fixed bank ranges: A panels, B panels and results never share a bank.

B panels and results live in rings whose number of slots is fixed for the program, so that tokens
count slots. A panels live in as many slots as a block has row tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..machine import Machine, Scratchpad
from ..plan import BankRange
from ..tiling import DoesNotFit, Matmul, ceil_div, split_evenly

MAX_B_SLOTS = 4
MAX_RESULT_TOKENS = 4
MIN_RESULT_SLOTS = 8


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Bank ranges; slots of the B ring; result slots in all; for each op its resident row tiles."""

    a: BankRange
    b: BankRange
    o: BankRange
    b_slots: int
    b_slot_words: int
    o_slots: int
    resident: tuple[int, ...]


def place(machine: Machine, ops: Sequence[Matmul]) -> Placement:
    """Bank ranges for `ops`: least traffic among those that keep the array fed.

    Raises:
        DoesNotFit: naming the least capacity that works.
    """
    pad = machine.scratchpad
    for o_banks in _result_banks(pad, ops[0].array.rows):
        choices = [
            choice
            for b_banks in range(1, pad.banks - o_banks)
            if (choice := _choice(pad, ops, b_banks, o_banks)) is not None
        ]
        if choices:
            return max(choices, key=lambda choice: _quality(choice, ops))
    raise _does_not_fit(pad, ops)


def _result_banks(pad: Scratchpad, rows: int) -> range:
    """Numbers of banks for results, the best first; the last holds two tiles."""
    wanted = ceil_div(MIN_RESULT_SLOTS * rows, pad.words_per_bank)
    least = ceil_div(2 * rows, pad.words_per_bank)
    return range(max(least, min(wanted, pad.banks // 4)), least - 1, -1)


def _choice(pad: Scratchpad, ops: Sequence[Matmul], b_banks: int, o_banks: int) -> Placement | None:
    """The placement with this split of banks; None if something has no room."""
    a_banks = pad.banks - o_banks - b_banks
    o_slots = o_banks * pad.words_per_bank // ops[0].array.rows
    b_slot_words = max(op.b_panel_words for op in ops)
    b_slots = min(b_banks * pad.words_per_bank // b_slot_words, MAX_B_SLOTS)
    a_words = a_banks * pad.words_per_bank
    resident = tuple(min(op.m_tiles, o_slots // 2, a_words // op.a_panel_words) for op in ops)
    if b_slots < 2 or min(resident) < 1:
        return None
    a_end = max(
        ceil_div(tiles * op.a_panel_words, pad.words_per_bank)
        for tiles, op in zip(resident, ops, strict=True)
    )
    b_start, o_start = a_banks, a_banks + b_banks
    b_end = b_start + ceil_div(b_slots * b_slot_words, pad.words_per_bank)
    return Placement(
        a=BankRange(name="a", start=0, end=a_end),
        b=BankRange(name="b", start=b_start, end=b_end),
        o=BankRange(name="o", start=o_start, end=o_start + o_banks),
        b_slots=b_slots,
        b_slot_words=b_slot_words,
        o_slots=o_slots,
        resident=resident,
    )


def _quality(choice: Placement, ops: Sequence[Matmul]) -> tuple[int, ...]:
    """Larger is better. One resident row tile makes the memory port the limit: avoid it, and if it
    must be, keep a third B panel on its way."""
    pairs = tuple(zip(choice.resident, ops, strict=True))
    is_single = any(tiles == 1 for tiles in choice.resident)
    avoidable = sum(tiles == 1 and op.m_tiles > 1 for tiles, op in pairs)
    traffic = sum(
        len(split_evenly(op.m_tiles, tiles)) * op.panels * op.b_panel_words for tiles, op in pairs
    )
    enough = int(choice.b_slots >= (3 if is_single else 2))
    return (-avoidable, enough, -traffic, choice.b_slots)


def same_banks(pad: Scratchpad, needed: Callable[[int], int]) -> str:
    """The least capacity with as many banks; `needed` is the banks of some words that it takes."""
    words = pad.words_per_bank
    if needed(1 << 62) > pad.banks:
        return ""  # too few banks, however large
    while needed(words) > pad.banks:
        words *= 2
    capacity_bytes = pad.banks * words * pad.word_bits // 8
    return f"; with {pad.banks} banks it is {capacity_bytes} bytes"


def _does_not_fit(pad: Scratchpad, ops: Sequence[Matmul]) -> DoesNotFit:
    """What one A panel, two B panels and two result tiles need, in whole banks."""
    a_op = max(ops, key=lambda op: op.a_panel_words)
    b_op = max(ops, key=lambda op: op.b_panel_words)
    per_bank = pad.words_per_bank

    def needed(bank_words: int) -> int:
        parts = (a_op.a_panel_words, 2 * b_op.b_panel_words, 2 * a_op.array.rows)
        return sum(ceil_div(words, bank_words) for words in parts)

    banks = needed(per_bank)
    least = banks * per_bank * pad.word_bits // 8
    return DoesNotFit(
        f"op {a_op.op}: {a_op.m}x{a_op.k}x{a_op.n} does not fit into the scratchpad of "
        f"{pad.capacity_bytes} bytes in {pad.banks} banks: the least that works is {least} bytes "
        f"({banks} banks of {per_bank} words): one panel of {a_op.a_panel_words} words, two of "
        f"{b_op.b_panel_words} (op {b_op.op}) and two result tiles of {a_op.array.rows}"
        f"{same_banks(pad, needed)}"
    )


@dataclass(frozen=True, kw_only=True)
class ResultWindow:
    """Result slots `[first, first + slots)` of one task, used as a ring."""

    first: int
    slots: int


def result_windows(
    blocks: Sequence[tuple[int, int]], o_slots: int
) -> tuple[int, tuple[ResultWindow, ...]]:
    """The number of result tokens, and for each task (row tiles, panels) its window.

    Any two tiles that may be in the scratchpad at once, which are those fewer than `tokens` apart,
    have different slots.
    """
    for tokens in range(min(MAX_RESULT_TOKENS, o_slots), 1, -1):
        windows = _windows(blocks, o_slots, tokens)
        if windows is not None:
            return tokens, windows
    windows = _windows(blocks, o_slots, 1)
    assert windows is not None, "a block has at most half of the result slots"
    return 1, windows


def _windows(
    blocks: Sequence[tuple[int, int]], o_slots: int, tokens: int
) -> tuple[ResultWindow, ...] | None:
    windows: list[ResultWindow] = []
    live: list[tuple[ResultWindow, int]] = []  # with the tiles that came since
    for tiles, panels in blocks:
        slots = tiles * min(max(1, ceil_div(tokens, tiles)), panels)
        live = [(window, since) for window, since in live if since < tokens]
        starts = (0, o_slots - slots, *(window.first + window.slots for window, _ in live))
        first = next((s for s in starts if _is_free(s, slots, o_slots, live)), None)
        if first is None:
            return None
        window = ResultWindow(first=first, slots=slots)
        windows.append(window)
        live = [(w, since + tiles * panels) for w, since in live] + [(window, 0)]
    return tuple(windows)


def _is_free(
    start: int, slots: int, o_slots: int, live: Sequence[tuple[ResultWindow, int]]
) -> bool:
    return 0 <= start <= o_slots - slots and all(
        start + slots <= window.first or window.first + window.slots <= start for window, _ in live
    )
