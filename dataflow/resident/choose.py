"""Which cut, order and split of the banks: quick counts for all, the planner for the best."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..graph import Graph
from ..machine import Scratchpad
from ..placement.simple import same_banks
from ..planning.exact import fewest_bytes
from ..planning.memory_plan import MemoryPlan
from ..tiling import DoesNotFit, Matmul, ceil_div
from .cut import Cut, Work, least_words, make_work, tile_words
from .replacement import Held, chained, farthest_next_use, hold, most_alive

MOST_SPLITS = 8
MOST_TILES = 5
GROUPS = (1, 2, 4)
"""A group of panels takes at most the weights' range, a half, a quarter of it; or is one panel."""

MOST_REFINED = 3
"""Cuts that the planner works on."""

MOST_HELD = 2
"""Orders and splits of a cut, of the planner's order and of others, that get addresses."""

MOST_FREE_ALIVE = 10
MOST_FREE_STEPS = 160
"""With more items alive at once, or more tasks, the planner's search over orders is left out."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A cut, an order, and how many banks hold activations; `words` moved by a quick count."""

    work: Work
    order: tuple[int, ...]
    a_banks: int
    words: int


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The plan in the planner's terms: activations at `[0, a_banks)`, weights in the other banks.

    `bound_words` is the least that any order and residences of these tasks move beyond the first
    loads and last stores; `is_searched`: the planner's search found it.
    """

    choice: Choice
    activations: Held
    weights: Held
    bound_words: int
    is_searched: bool
    seconds: float = field(compare=False)

    @property
    def plan(self) -> MemoryPlan:
        """Both ranges together, weights behind activations, for the planner's checker."""
        return MemoryPlan(
            order=self.choice.order,
            residences=tuple(
                sorted(
                    (*self.activations.residences, *self.weights.residences),
                    key=lambda r: (r.first, r.item),
                )
            ),
            stores=self.activations.stores,
        )


def kept_items(work: Work, *, weights: bool) -> frozenset[int]:
    """Items of one range."""
    return frozenset(i for i, piece in enumerate(work.pieces) if piece.is_weight == weights)


def choose(graph: Graph, sizes: Sequence[Matmul], pad: Scratchpad, seconds: float) -> Chosen:
    """The choice that moves the fewest words.

    Raises:
        DoesNotFit: naming the least capacity that works.
    """
    started = time.monotonic()
    by_work: dict[int, list[Choice]] = {}
    for choice in _choices(graph, sizes, pad):
        by_work.setdefault(id(choice.work), []).append(choice)
        if time.monotonic() - started > seconds / 2:
            break
    if not by_work:
        raise _does_not_fit(graph, sizes, pad)
    best: Chosen | None = None
    ranked = sorted((sorted(found, key=_rank) for found in by_work.values()), key=_first_rank)
    for found in ranked[:MOST_REFINED]:
        left = seconds - (time.monotonic() - started)
        if best is not None and left <= 0:
            break
        refined = _refine(found, pad, max(0.1, left) / MOST_REFINED, started)
        if best is None or _words(refined) < _words(best):
            best = refined
    assert best is not None
    return replace(best, seconds=time.monotonic() - started)


def _rank(choice: Choice) -> tuple[int, int, int]:
    """Lower is better: words moved, then tasks, then tasks that wait for the one before."""
    return choice.words, len(choice.work.parts), _waiting(choice)


def _first_rank(found: Sequence[Choice]) -> tuple[int, int, int]:
    return _rank(found[0])


def _waiting(choice: Choice) -> int:
    """Tasks that read what the task before them makes: the array runs empty between the two."""
    steps = [choice.work.problem.steps[index] for index in choice.order]
    reads = itertools.pairwise(steps)
    return sum(one.writes[0] in two.reads and two.overwrites is None for one, two in reads)


def _words(chosen: Chosen) -> tuple[int, int]:
    moved = chosen.activations.words + chosen.weights.words
    return moved + _fixed_words(chosen.choice.work), len(chosen.choice.work.parts)


def _choices(graph: Graph, sizes: Sequence[Matmul], pad: Scratchpad) -> Iterator[Choice]:
    """Everything that is tried and fits, with a quick count of what it moves; not what must move
    more than the best so far."""
    works: dict[Cut, Work] = {}
    least: int | None = None
    for a_banks, cut in _cuts(graph, sizes, pad):
        if cut not in works:
            works[cut] = make_work(graph, sizes, cut)
        work, a_words = works[cut], a_banks * pad.words_per_bank
        is_beaten = least is not None and _fixed_words(work) > least
        if is_beaten or not work.fits(a_words, pad.banks * pad.words_per_bank - a_words):
            continue
        for order in work.orders():
            choice = _choice(work, order, a_banks, pad)
            least = choice.words if least is None else min(least, choice.words)
            yield choice


def _cuts(graph: Graph, sizes: Sequence[Matmul], pad: Scratchpad) -> Iterator[tuple[int, Cut]]:
    """Splits of the banks with cuts: first blocks and groups as large as may be; last, if nothing
    else fits, single panels."""
    panel = max(size.b_panel_words for size in sizes)
    splits = _splits(graph, pad, sizes)
    for share in (*GROUPS, None):
        for a_banks in sorted(splits, key=lambda banks: abs(2 * banks - pad.banks)):
            a_words = a_banks * pad.words_per_bank
            w_words = pad.banks * pad.words_per_bank - a_words
            group_words = 1 if share is None else max(panel, w_words // share)
            for tiles in _tiles_tried(graph, sizes, a_words):
                yield a_banks, Cut(tiles=tiles, group_words=group_words)


def _splits(graph: Graph, pad: Scratchpad, sizes: Sequence[Matmul]) -> list[int]:
    """Numbers of banks for activations: all that fit, or as many of them, evenly spaced."""
    a_least, w_least = (ceil_div(words, pad.words_per_bank) for words in least_words(graph, sizes))
    fitting = range(a_least, pad.banks - w_least + 1)
    if len(fitting) <= MOST_SPLITS:
        return list(fitting)
    last = len(fitting) - 1
    return sorted({fitting[n * last // (MOST_SPLITS - 1)] for n in range(MOST_SPLITS)})


def _tiles_tried(graph: Graph, sizes: Sequence[Matmul], a_words: int) -> list[int]:
    """Row tiles in a block: the most that fit, then fewer and fewer."""
    most = max(size.m_tiles for size in sizes)
    fitting = [
        tiles
        for tiles in dict.fromkeys(ceil_div(most, blocks) for blocks in range(1, most + 1))
        if all(min(tiles, size.m_tiles) * tile_words(graph, size) <= a_words for size in sizes)
    ]
    tried = fitting[:2] + [tiles for tiles in fitting[2:] if tiles * 2 <= fitting[1]][:2]
    return list(dict.fromkeys((*tried, *fitting[-1:])))[:MOST_TILES]


def _choice(work: Work, order: tuple[int, ...], a_banks: int, pad: Scratchpad) -> Choice:
    """With a quick count of what it moves."""
    a_words = a_banks * pad.words_per_bank
    total = _fixed_words(work)
    for is_weights, words in ((False, a_words), (True, pad.banks * pad.words_per_bank - a_words)):
        kept = kept_items(work, weights=is_weights)
        total += farthest_next_use(chained(work.problem, order, kept, words))[1]
    return Choice(work=work, order=order, a_banks=a_banks, words=total)


def _fixed_words(work: Work) -> int:
    """First loads, last stores and parameters: what every plan of these tasks moves."""
    problem = work.problem
    return work.parameter_words + sum(
        piece.moved_words
        for item, piece in enumerate(work.pieces)
        if problem.maker[item] is None or not problem.readers[item]
    )


def _refine(found: Sequence[Choice], pad: Scratchpad, seconds: float, started: float) -> Chosen:
    """The planner on one cut, whose choices are `found`, the best first: it finds an order of its
    own if the problem is small enough, then residences for the best orders and splits."""
    work = found[0].work
    bound, is_searched = 0, found[0].words == _fixed_words(work)
    tried = list(found[:MOST_HELD])
    is_small = len(work.parts) <= MOST_FREE_STEPS and most_alive(work.problem) <= MOST_FREE_ALIVE
    if not is_searched and is_small:
        capacity = pad.banks * pad.words_per_bank
        try:
            free = fewest_bytes(work.problem.with_budget(capacity), seconds=seconds / 2)
        except TimeoutError:
            pass
        else:
            order = tuple(move.step for move in free.moves)
            bound, is_searched = free.lower_bound, True
            splits = {choice.a_banks for choice in found}
            mine = [_choice(work, order, a_banks, pad) for a_banks in sorted(splits)]
            tried += sorted(mine, key=_rank)[:MOST_HELD]
    held = [(choice, *_hold(choice, pad, seconds / 2 / len(tried))) for choice in tried]
    choice, activations, weights = min(
        held, key=lambda one: (one[1].words + one[2].words, _waiting(one[0]))
    )
    return Chosen(
        choice=choice,
        activations=activations,
        weights=weights,
        bound_words=_bound(work, bound),
        is_searched=is_searched,
        seconds=time.monotonic() - started,
    )


def _hold(choice: Choice, pad: Scratchpad, seconds: float) -> tuple[Held, Held]:
    """Residences in both ranges; weights lie behind activations."""
    work, a_words = choice.work, choice.a_banks * pad.words_per_bank
    ranges = ((False, a_words), (True, pad.banks * pad.words_per_bank - a_words))
    activations, weights = (
        hold(work.problem, choice.order, kept_items(work, weights=is_weights), words, seconds / 2)
        for is_weights, words in ranges
    )
    return activations, _behind(weights, a_words)


def _behind(held: Held, words: int) -> Held:
    moved = tuple(replace(r, offset=(r.offset or 0) + words) for r in held.residences)
    return Held(residences=moved, stores=held.stores, words=held.words)


def _bound(work: Work, padded_words: int) -> int:
    """A bound on words moved from one on words in the scratchpad, where tiles are padded."""
    ratio = min(
        Fraction(piece.moved_words, item.size)
        for piece, item in zip(work.pieces, work.problem.items, strict=True)
    )
    return -int(-padded_words * ratio // 1)


def _does_not_fit(graph: Graph, sizes: Sequence[Matmul], pad: Scratchpad) -> DoesNotFit:
    a_op = max(sizes, key=lambda size: tile_words(graph, size))
    b_op = max(sizes, key=lambda size: size.b_panel_words)
    least = least_words(graph, sizes)

    def needed(bank_words: int) -> int:
        return sum(ceil_div(words, bank_words) for words in least)

    banks = needed(pad.words_per_bank)
    capacity = banks * pad.words_per_bank * pad.word_bits // 8
    return DoesNotFit(
        f"op {a_op.op}: {a_op.m}x{a_op.k}x{a_op.n} does not fit into the scratchpad of "
        f"{pad.capacity_bytes} bytes in {pad.banks} banks: the least that works is {capacity} "
        f"bytes ({banks} banks of {pad.words_per_bank} words): {least[0]} words for a row tile and "
        f"its results, {least[1]} for a panel of weights (op {b_op.op})"
        f"{same_banks(pad, needed)}"
    )
