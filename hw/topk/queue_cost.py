"""Cost laws of shift_queue and filtered_queue. Pure: no Amaranth here.

An event in a cycle is a transfer, or an insertion, in that cycle; the first is in cycle 1. Packet p
of n words *closes* in the cycle c(p) in which its last item is inserted, and r results leave.

    shift_queue   c(p) = c(p - 1) + max(n, max(r(p - 1), 1)),   c(0) = n + 1
                  last result of p at c(p) + max(r(p), 1) + 1

    filtered_queue   the same, but word by word, and for each word one cycle per key that is
                     inserted: found by walking through the cycles with the keys themselves.

The walk of filtered_queue takes at most (valid keys + words) cycles for its items: with keys in
ascending order each of them is inserted.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from .mapping import Packet
from .params import TopKParams

INSERT_CYCLES = 1
"""From the transfer of a key to its insertion in shift_queue."""

CLOSE_TO_RESULT_CYCLES = 2
"""From the insertion of a packet's last item to its first result."""


def shift_queue_cycles(params: TopKParams, packets: Sequence[Packet]) -> int:
    """Cycles of packets back to back in a shift_queue."""
    closed, leaving = INSERT_CYCLES, 0
    for packet in packets:
        closed += max(packet.num_words(params), leaving)
        leaving = max(packet.num_results(params), 1)
    return closed + CLOSE_TO_RESULT_CYCLES + leaving - 1


def filtered_queue_cycles(params: TopKParams, packets: Sequence[Packet]) -> int:
    """Cycles of packets back to back in a filtered_queue."""
    wanted = [min(packet.k, params.k_max) for packet in packets]
    walk = _Walk(waiting_packets=[_Packet(wanted=k) for k in wanted])
    for packet in packets:
        ranks = [_rank(params, key) for key in packet.keys]
        num_words = packet.num_words(params)
        for word in range(num_words):
            places = range(word * params.lanes, min((word + 1) * params.lanes, len(ranks)))
            valid = [ranks[place] for place in places if packet.is_valid[place]]
            walk.word(valid, is_last=word == num_words - 1)
    return walk.last_result_cycle()


def filtered_queue_bound(params: TopKParams, num_words: int) -> int:
    """Cycles that no packet of so many words exceeds: each key is inserted, none is filtered."""
    return num_words * params.lanes + params.k_max + 3


def _rank(params: TopKParams, key: int) -> int:
    return (key & ((1 << params.key.bits) - 1)) ^ params.rank_flip


@dataclass
class _Packet:
    """What the queue holds of a packet: the best ranks, ascending; at most `wanted`."""

    wanted: int
    best: list[int] = field(default_factory=list)

    def insert(self, rank: int) -> None:
        self.best.insert(bisect_left(self.best, rank), rank)  # equals came first: they stay ahead
        if len(self.best) > self.wanted:
            del self.best[0]


@dataclass
class _Walk:
    """Cycle by cycle through words, items and insertions; the words come without a gap.

    `item` is what the queue inserts in this cycle: a rank or None, and whether it is the last of
    its packet. `threshold` is what words are compared with: the k-th best, and whether it filters.
    """

    waiting_packets: list[_Packet]
    cycle: int = 2
    item: tuple[int | None, bool] | None = None
    threshold: int | None = None
    filters: bool = False
    drained_cycle: int = 0

    def word(self, waiting: list[int], *, is_last: bool) -> None:
        """The cycles in which a word is in the register of words."""
        while True:
            candidates = [rank for rank in waiting if self._enters(rank)]
            if not candidates and not is_last:
                self._advance(None)
                return
            rank = candidates[0] if candidates else None
            if self._advance((rank, is_last and len(candidates) <= 1)):
                waiting = candidates[1:]
                if not waiting:
                    return

    def last_result_cycle(self) -> int:
        """When all words are done: the cycle of the last result."""
        while self.item is not None:
            self._advance(None)
        return self.drained_cycle + CLOSE_TO_RESULT_CYCLES - 1

    def _enters(self, rank: int) -> bool:
        if not self.filters or (self.item is not None and self.item[1]):
            return True
        return self.threshold is not None and rank > self.threshold

    def _advance(self, offered: tuple[int | None, bool] | None) -> bool:
        """One cycle; True if the item that is offered is taken."""
        steps = self.item is not None and (not self.item[1] or self.cycle >= self.drained_cycle)
        closes = steps and self.item is not None and self.item[1]
        takes = self.item is None or steps
        packet = self.waiting_packets[0] if self.waiting_packets else _Packet(wanted=0)
        self.threshold = packet.best[0] if packet.best else None
        self.filters = len(packet.best) == packet.wanted and not closes
        if steps and self.item is not None and self.item[0] is not None:
            packet.insert(self.item[0])
        if closes:
            self.drained_cycle = self.cycle + max(len(packet.best), 1)
            del self.waiting_packets[0]
        if takes:
            self.item = offered
        self.cycle += 1
        return takes
