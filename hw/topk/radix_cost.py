"""Cost law of radix_select: exact cycles of a sequence of packets. Pure: no Amaranth here.

An event in a cycle is a transfer in that cycle. For word w of packet p in a pass, with A the cycle
in which a word advances from the first registers to the counters, S the cycle in which a packet's
decision starts and G the cycle in which a word leaves the pass (and enters the next):

    x(w) = max(offered, A(w - 1), G(w - buffer_depth) + ROOM_CYCLES)      word taken
    A(w) = max(x(w) + 1, S(last packet asked for))
           w the last of a counted packet, digit wider than COARSE_BITS: and
           S(last counted packet) + num_groups + 2
    S(p) = max(A(the word that asks) + 1, G(last word of p - DECISIONS) + ROOM_CYCLES)
    G(w) = max(x(w) + latency of the buffer, S(p) + decision latency, G(w - 1) + 1, taken by next)

The word that asks is the last of a packet, or the first if nothing is left to decide. Output word w
is transferred EMIT_CYCLES after it left the last pass.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..lib.cost import fifo_latency
from .mapping import Packet
from .params import TopKParams
from .radix_params import DECISIONS, DigitParams, digit_params, digit_widths

EMIT_CYCLES = 2
"""From the last pass to the output: ties, output register."""

ROOM_CYCLES = 1
"""From the transfer that makes room to the use of that room."""

LONG_AGO = -(1 << 62)


def start_to_decision_cycles(params: DigitParams) -> int:
    """From the start of a decision to the first word that may leave by it."""
    return params.num_groups + 4 if params.fine_bits else 2


def scan_cycles(params: DigitParams) -> int:
    """From the start of a decision to the advance of the next packet's last word."""
    return params.num_groups + 2 if params.fine_bits else 0


@dataclass
class _Pass:
    """A pass and when words left it (G), when the last word of each packet did."""

    params: DigitParams
    left: list[int] = field(default_factory=list)
    packets: list[int] = field(default_factory=list)
    advanced: int = LONG_AGO
    started: int = LONG_AGO
    counted: int = LONG_AGO

    def take(self, offered: Sequence[int], *, is_settled: bool) -> tuple[list[int], list[int]]:
        """A packet's words, offered in these cycles: when they are taken, when they may leave."""
        times = []
        first = len(self.left) - self.params.buffer_depth
        asking = 0 if is_settled else len(offered) - 1
        for index, cycle in enumerate(offered):
            room = self.left[first + index] + ROOM_CYCLES if first + index >= 0 else LONG_AGO
            times.append(max(cycle, self.advanced, room))
            self.advanced = max(times[-1] + 1, self.started)
            if index == asking:
                self._ask(is_settled)
        decided = self.started + start_to_decision_cycles(self.params)
        latency = fifo_latency(self.params.buffer)
        return times, [max(time + latency, decided) for time in times]

    def _ask(self, is_settled: bool) -> None:
        """The word that advances now starts the packet's decision, as soon as there is room."""
        if not is_settled:
            self.advanced = max(self.advanced, self.counted + scan_cycles(self.params))
        before = len(self.packets) - DECISIONS
        room = self.packets[before] + ROOM_CYCLES if before >= 0 else LONG_AGO
        self.started = max(self.advanced + 1, room)
        if not is_settled:
            self.counted = self.started

    def leave(self, times: Sequence[int]) -> None:
        """When the words of the packet taken last left."""
        self.left += times
        self.packets.append(times[-1])


def settled_passes(params: TopKParams, packet: Packet) -> int:
    """After how many passes no key is a candidate: 0 for k = 0, else 1 to the number of digits.

    From the sorted keys: those of rank k - 1 and k differ in the digits looked at, or there is no
    rank k.
    """
    k = min(packet.k, params.k_max)
    if k == 0:
        return 0
    ranks = sorted(
        (key & ((1 << params.key.bits) - 1)) ^ params.rank_flip
        for key, is_valid in zip(packet.keys, packet.is_valid, strict=True)
        if is_valid
    )
    if k >= len(ranks):
        return 1
    difference = ranks[-k] ^ ranks[-k - 1]
    rest = params.key.bits
    for number, width in enumerate(digit_widths(params), 1):
        rest -= width
        if difference >> rest:
            return number
    return len(digit_widths(params)) + 1


def packet_times(
    params: TopKParams, packets: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """For packets of (words, settled passes): cycles of first word in, first and last word out.

    Cycle 1 is the first transfer. Inputs wait at the ports, outputs are taken at once.
    """
    passes = [_Pass(part) for part in digit_params(params)]
    last = 0
    for num_words, settled in packets:
        offered = [1] * num_words
        begins = []
        for number, part in enumerate(passes):
            taken, offered = part.take(offered, is_settled=settled <= number)
            begins.append(taken[0])
            if number:
                passes[number - 1].leave(taken)
        times = []
        for cycle in offered:
            last = max(cycle, last + 1)
            times.append(last)
        passes[-1].leave(times)
        yield begins[0], times[0] + EMIT_CYCLES, last + EMIT_CYCLES


def kernel_cycles(params: TopKParams, packets: Sequence[Packet]) -> int:
    """From the first transfer in to the last out, both counted, without stalls."""
    work = [(packet.num_words(params), settled_passes(params, packet)) for packet in packets]
    return max((last for _, _, last in packet_times(params, work)), default=0)


def worst_packet_cycles(params: TopKParams, num_words: int) -> int:
    """The bound: the latency of one packet of so many words, whatever its keys."""
    never = len(digit_widths(params)) + 1
    return next(last for _, _, last in packet_times(params, [(num_words, never)]))
