"""Small builders that the lowering modules share: rings, runs, loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .program import Loop, Token

MIN_BURST_BEATS = 16
"""Shorter bursts would need more outstanding ones than a port has to stream at full rate."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Panels `[first, first + inner * outer)` in ring slots `[slot, slot + inner)` in turn."""

    first: int
    slot: int
    inner: int
    outer: int


def ring_segments(first: int, end: int, start_slot: int, slots: int) -> Iterator[Segment]:
    """Cut panels `[first, end)` so that each piece walks a ring of `slots` in a regular way.

    Panel 0 lies in slot `start_slot`.
    """
    while first < end:
        slot = (start_slot + first) % slots
        count = end - first
        if slot == 0 and count >= slots:
            segment = Segment(first=first, slot=0, inner=slots, outer=count // slots)
        else:
            segment = Segment(first=first, slot=slot, inner=min(count, slots - slot), outer=1)
        yield segment
        first += segment.inner * segment.outer


def loop(bound: int, local: int = 0, memory: int | None = None) -> Loop:
    """A loop of a streamer (`local` only) or of a DMA (both)."""
    strides = {"local": local} if memory is None else {"local": local, "memory": memory}
    return Loop(bound=bound, strides=strides)


def blocks_per_run(blocks: int, block_words: int, beats_per_word: int) -> int:
    """Blocks in one run of contiguous words: the least divisor of `blocks` that fills a burst."""
    for count in range(1, blocks + 1):
        if blocks % count == 0 and count * block_words * beats_per_word >= MIN_BURST_BEATS:
            return count
    return blocks


def array_tokens(
    *, sets: int, a_ready: int, b_ready: int, a_free: int, b_free: int, results: int
) -> tuple[Token, ...]:
    """The tokens of an array's units: the most of each; the free ones start with that.

    `sets` counts panels of parameters that the array can hold, `results` slots of results.
    """
    return tuple(
        Token(name=name, producer=producer, consumer=consumer, initial=initial, maximum=maximum)
        for name, producer, consumer, initial, maximum in (
            ("a_ready", "load", "array.a", 0, a_ready),
            ("b_ready", "load", "array.b", 0, b_ready),
            ("a_free", "array.a", "load", a_free, a_free),
            ("b_free", "array.b", "load", b_free, b_free),
            ("p_free", "array.core", "load", sets, sets),
            ("o_free", "store", "array.o", results, results),
            ("o_ready", "array.o", "store", 0, results),
            ("stored", "store", "load", 0, 1),
        )
    )
