"""Cost law of the sddmm template: when every slot starts and every score leaves, without stalls.

Cycle 0 has the first transfer of every input. Pure: no Amaranth here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..lib.cost import STREAM_BUFFER
from .params import SddmmParams

SLOT_BUFFER = STREAM_BUFFER
"""From a slot's transfer to its start, if nothing holds it up."""

START_TO_OPERANDS = 2
"""From a slot's start to the operands of its first chunk: bank or query memory, bank mux."""

LOADED_TO_START = 1
"""From the last word of K, or of a row of Q, to the start of a slot that needs it."""

KEYS_FREE_TO_LOAD = 1
"""From the last read of K to the first word of another."""

QUERY_FREE_TO_LOAD = 1
"""From the last cycle of the slot that frees a row of Q to the first word of another."""

SCORE_LEAVES_TO_START = 1
"""From a score's transfer to the start of a slot that takes its place."""

ROW_STREAM = STREAM_BUFFER
"""From the scores' transfer out of the lanes to a word of the row stream."""


def dot_cycles(params: SddmmParams) -> int:
    """From operands to the score that contains them: products, adder tree, accumulator."""
    return 2 + params.dot_params.tree_stages


def start_to_score(params: SddmmParams, chunks: int) -> int:
    """From a slot's start to the first cycle in which its scores may leave the lanes."""
    return START_TO_OPERANDS + dot_cycles(params) + chunks


@dataclass(frozen=True, kw_only=True)
class PacketWork:
    """What the law must know of a packet.

    Slots of `chunks` cycles; in slot s lane l computes the score of place `places[s][l]` (-1:
    none), `takes[s]` rows of Q are taken and `frees[s]` are freed. `words` holds for each place the
    words of the row stream that it leaves in (1 for the lanes' streams). `key_words` words of `k`
    come first, 0 if the keys of the packet before are kept; `keeps_keys`: for the next packet.
    """

    chunks: int
    places: Sequence[Sequence[int]]
    takes: Sequence[int]
    frees: Sequence[int]
    words: Sequence[int]
    key_words: int
    keeps_keys: bool = False

    @property
    def query_rows(self) -> int:
        """Rows of Q that come for this packet."""
        return sum(self.takes)


class Departures:
    """When scores leave the lanes: in the order of their places, one after the other."""

    def __init__(self, params: SddmmParams) -> None:
        self._is_joined = params.is_row_stream
        self._parts = params.lanes if self._is_joined else 1
        streams = 1 if self._is_joined else params.lanes
        self._waiting: list[dict[int, list[int]]] = [{} for _ in range(streams)]
        self._left: list[list[int]] = [[] for _ in range(streams)]
        self._words: list[int] = []

    def expect(self, words: Sequence[int]) -> None:
        """The places to come take so many words each (row stream only)."""
        self._words += words

    def add(self, lane: int, place: int, time: int) -> None:
        """The score of a place may leave from `time` on."""
        stream = 0 if self._is_joined else lane
        waiting, left = self._waiting[stream], self._left[stream]
        waiting.setdefault(place, []).append(time)
        while len(waiting.get(len(left), ())) == self._parts:
            ready = max(waiting.pop(len(left)))
            begin = max(ready, left[-1] + 1) if left else ready
            words = self._words[len(left)] if self._is_joined else 1
            left.append(begin + words - 1)

    def time(self, lane: int, place: int) -> int | None:
        """When the score of a place left, if that is known."""
        left = self._left[0 if self._is_joined else lane]
        return left[place] if place < len(left) else None

    def last(self) -> int:
        """When the last score so far left."""
        return max(left[-1] for left in self._left if left)


class Law:
    """The recurrence: packets one after the other on one unit."""

    def __init__(self, params: SddmmParams, *, is_loaded: bool = False) -> None:
        """`is_loaded`: the operands of all packets are there before the first slot comes."""
        self.params = params
        self.is_loaded = is_loaded
        self.starts: list[int] = []
        self._departures = Departures(params)
        self._ready = SLOT_BUFFER  # of the next slot
        self._bases = [0] * params.lanes  # places of earlier packets
        self._key_loads: list[int] = []  # last word of each
        self._key_frees: list[int] = []  # last read of each
        self._row_end = -1  # last word of the latest row of Q
        self._num_rows = 0
        self._row_frees: list[int] = []  # last cycle of the slot that frees a row

    def add(self, packet: PacketWork) -> None:
        """Play a packet."""
        self._load_keys(packet)
        if self.params.is_row_stream:
            self._departures.expect(packet.words)
        for places, takes, frees in zip(packet.places, packet.takes, packet.frees, strict=True):
            start = max(self._ready, self._query_time(packet.chunks, takes), self._room(places))
            if self._key_loads and not self.is_loaded:
                start = max(start, self._key_loads[-1] + LOADED_TO_START)
            self.starts.append(start)
            score = start + start_to_score(self.params, packet.chunks)
            for lane, place in enumerate(places):
                if place >= 0:
                    self._departures.add(lane, self._bases[lane] + place, score)
            self._ready = start + packet.chunks
            self._row_frees += [self._ready] * frees
        if not packet.keeps_keys:
            self._key_frees.append(self._ready - 1)
        for lane in range(self.params.lanes):
            self._bases[lane] += 1 + max(places[lane] for places in packet.places)

    @property
    def cycles(self) -> int:
        """From the first transfer of any input to the last score's, both counted."""
        return self._departures.last() + ROW_STREAM * self.params.is_row_stream + 1

    def _load_keys(self, packet: PacketWork) -> None:
        if packet.key_words == 0:
            return
        begin = self._key_loads[-1] + 1 if self._key_loads else 0
        earlier = len(self._key_loads) - self.params.buffers
        if earlier >= 0:
            begin = max(begin, self._key_frees[earlier] + KEYS_FREE_TO_LOAD)
        self._key_loads.append(begin + packet.key_words - 1)

    def _query_time(self, chunks: int, takes: int) -> int:
        """When a slot may start that takes so many new rows of Q."""
        for _ in range(takes):
            begin = self._row_end + 1
            earlier = self._num_rows - self.params.query_rows
            if earlier >= 0:
                begin = max(begin, self._row_frees[earlier] + QUERY_FREE_TO_LOAD)
            self._row_end = begin + chunks - 1
            self._num_rows += 1
        return 0 if self.is_loaded or not takes else self._row_end + LOADED_TO_START

    def _room(self, places: Sequence[int]) -> int:
        """When the places of a slot are free."""
        time = 0
        for lane, place in enumerate(places):
            earlier = self._bases[lane] + place - self.params.window
            if place >= 0 and earlier >= 0:
                left = self._departures.time(lane, earlier)
                assert left is not None, "a place is taken before its last score was computed"
                time = max(time, left + SCORE_LEAVES_TO_START)
        return time


def kernel_cycles(
    params: SddmmParams, packets: Sequence[PacketWork], *, is_loaded: bool = False
) -> int:
    """Cycles of packets back to back, from the first transfer of any input to the last output's.

    `is_loaded`: K and Q are in the unit at the start, and only the schedule comes.
    """
    law = Law(params, is_loaded=is_loaded)
    for packet in packets:
        law.add(packet)
    return law.cycles


def least_cycles(params: SddmmParams, num_scores: int, chunks: int) -> int:
    """No schedule takes fewer: every lane computes one score per `chunks` cycles."""
    slots = max(1, -(-num_scores // params.lanes))
    return SLOT_BUFFER + slots * chunks + start_to_score(params, 0) + 1
