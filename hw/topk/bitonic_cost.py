"""Cost law of bitonic_merge: exact cycles of a sequence of packets. Pure: no Amaranth here.

Sorted words and lists go the way of the hardware, as marks without keys: only how many words a
packet has and how many results leave matter. A word transferred in cycle t can be merged from cycle
t + sorter latency + 1 on; a list arrives again `num_slots` cycles after its merge; a result taken
in cycle t leaves from t + RESULT_TO_OUTPUT_CYCLES on, a word per cycle.

Alone, a packet of n words and r results takes at most n + sorter latency + 1 + num_slots *
(1 + ceil(log2 lists) + 1) + ceil(r / lanes) + 2 cycles, lists = min(n, num_slots).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .bitonic_params import BitonicParams, bitonic_params
from .mapping import Packet
from .params import TopKParams

RESULT_TO_OUTPUT_CYCLES = 2
"""From the list that leaves the loop to its first output word: its register, the FIFO."""


def kernel_cycles(params: TopKParams, packets: Sequence[Packet]) -> int:
    """Cycles of packets back to back: first transfer of any input to last of the output."""
    sizes = bitonic_params(params)
    leaving = (max(1, -(-packet.num_results(params) // params.lanes)) for packet in packets)
    loop = _Loop(sizes=sizes, leaving=deque(leaving), slots=deque([None] * sizes.num_slots))
    merged: list[int] = []
    entered = 0
    for packet in packets:
        last = packet.num_words(params) - 1
        for word in range(last + 1):
            # A word enters when its place in the FIFO of sorted words is free.
            room = merged[-sizes.run_words] + 1 if len(merged) >= sizes.run_words else 0
            entered = max(entered + 1, room)
            offered = entered + sizes.sorter.latency + 1
            merged.append(loop.merge(offered, is_last=word == last))
    return loop.last_output_cycle()


@dataclass
class _Loop:
    """The lists that go round: a slot carries the number of the packet of its list, or None."""

    sizes: BitonicParams
    leaving: deque[int]
    slots: deque[int | None]
    cycle: int = 1
    filling: int = 0
    num_lists: int = 0
    num_old: int = 0
    is_held: bool = False
    free_cycle: int = 0

    def merge(self, offered_cycle: int, *, is_last: bool) -> int:
        """The cycle in which the next word is merged, offered from `offered_cycle` on."""
        while not self._step(self.cycle >= offered_cycle, is_last):
            pass
        return self.cycle - 1

    def last_output_cycle(self) -> int:
        """When all words are merged: the cycle of the last output word."""
        while self.leaving:
            self._step(False, False)
        return self.free_cycle + RESULT_TO_OUTPUT_CYCLES - 1

    def _step(self, is_offered: bool, is_last: bool) -> bool:
        """One cycle; True if the word that is offered is merged."""
        arrived = self.slots.popleft()
        is_old = arrived is not None and arrived != self.filling
        is_final = is_old and self.num_old == 1
        leaves = is_final and self.cycle >= self.free_cycle
        waits = is_old and not is_final
        holds, joins = waits and not self.is_held, waits and self.is_held
        is_kept = arrived is not None and not leaves and not holds
        has_room = not is_old or leaves or holds
        takes = is_offered and has_room and (not is_last or not self.num_old or leaves)
        is_new = takes and not is_kept
        self.slots.append(arrived if is_kept else self.filling if takes else None)
        self.is_held = holds or (self.is_held and not joins)
        self.num_old -= joins or leaves
        self.num_lists += is_new
        if leaves:
            self.free_cycle = self.cycle + self.leaving.popleft()
        if takes and is_last:
            self.filling += 1
            self.num_old, self.num_lists = self.num_lists, 0
        self.cycle += 1
        return takes
