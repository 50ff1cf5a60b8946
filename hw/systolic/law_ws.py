"""The weight-stationary law of `cost_ws` as a recurrence over steps. Pure.

Times are cycles. `timing` takes from its `Ports` when words are offered and taken: `SeenPorts` are
observed (any stall); `FreePorts` offer every word from cycle 0 on and take every word at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from . import closed_ws, cost_ws
from .cost import COMMAND_TO_START_CYCLES, ROOM_CYCLES, WORD_TO_START_CYCLES
from .mapping_ws import PassLoops
from .params import SystolicParams

BEFORE = -(1 << 60)
"""A time that holds nothing up."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the law says so far; each list in the order of its events."""

    a: list[int] = field(default_factory=list)  # starts of steps: transfers of A words
    b: list[int] = field(default_factory=list)  # transfers of B words
    outputs: list[int] = field(default_factory=list)  # output words valid, if none is before them
    releases: list[int] = field(default_factory=list)


class Ports(Protocol):
    """What happens outside, asked for in order; `now` is what has happened inside."""

    def a(self) -> int:
        """Cycle from which the next A word is offered."""

    def b(self) -> int:
        """Cycle from which the next B word is offered."""

    def command(self, now: Timing) -> int:
        """Transfer of the next command."""

    def sets(self, num_sets: int, now: Timing) -> int:
        """Transfer of the last parameter word of the next panel's `num_sets` sets."""

    def taken(self, n: int, now: Timing) -> int:
        """Transfer of output word n."""


@dataclass(frozen=True)
class Pass:
    """One pass, and whether it begins or ends something."""

    loops: PassLoops
    is_first_of_command: bool
    is_first_of_packet: bool
    is_last_of_packet: bool
    is_first_packet: bool  # of its panel
    is_last_packet: bool


def passes(params: SystolicParams, loops: PassLoops) -> Iterator[Pass]:
    """The passes of a command in order."""
    of_packet = loops.k_blocks * cost_ws.subblocks(params)
    for packet in range(loops.packets):
        subpanel = packet % loops.subpanels
        for number in range(of_packet):
            yield Pass(
                loops,
                packet == number == 0,
                number == 0,
                number == of_packet - 1,
                subpanel == 0,
                subpanel == loops.subpanels - 1,
            )


def timing(params: SystolicParams, commands: Sequence[PassLoops], ports: Ports) -> Timing:
    """When every step starts, every weight is taken and every output word is valid."""
    recurrence = _Recurrence(params, ports)
    for loops in commands:
        for place in passes(params, loops):
            recurrence.play(place)
    return recurrence.now


class _Recurrence:
    def __init__(self, params: SystolicParams, ports: Ports) -> None:
        self.params, self.ports = params, ports
        self.now = Timing()
        self.command_start = BEFORE  # of the command at hand
        self.last_packet = BEFORE  # first step of the last pass of the packet before
        self.last_swap = BEFORE  # first step of the pass before

    def play(self, place: Pass) -> None:
        """Appends one pass."""
        loaded = self._load_weights()
        if place.is_first_of_command:
            self.command_start = self.ports.command(self.now) + COMMAND_TO_START_CYCLES
        for j in range(place.loops.m):
            start = max(self.ports.a(), self.command_start)
            if self.now.a:
                start = max(start, self.now.a[-1] + 1)
            if j == 0:
                start = max(start, loaded, self._begin(place))
            if place.is_last_of_packet:
                start = max(start, self._room())
                self.now.outputs.append(start + cost_ws.first_output_cycles(self.params))
            if j == 0:
                self._swap(place, start)
            self.now.a.append(start)

    def _load_weights(self) -> int:
        """Transfers of a pass's B words; the cycle in which the pass may start."""
        earliest = self.last_swap
        for _ in range(self.params.rows):
            self.now.b.append(max(earliest, self.ports.b()))
            earliest = self.now.b[-1] + 1
        return self.now.b[-1] + WORD_TO_START_CYCLES

    def _begin(self, place: Pass) -> int:
        """When the array can take the first step of a pass."""
        start = BEFORE
        if not place.is_first_of_packet:
            start = self.now.a[-1] + cost_ws.pass_distance(place.loops.m)
        if place.is_last_of_packet and self.params.has_parameters:
            start = max(start, self.last_packet + self.params.cols)
            if place.is_first_packet:
                sets = self.ports.sets(place.loops.subpanels, self.now)
                start = max(start, sets + WORD_TO_START_CYCLES)
        return start

    def _room(self) -> int:
        """When there is room for the next output word."""
        word = len(self.now.outputs) - cost_ws.output_words(self.params)
        return BEFORE if word < 0 else self.ports.taken(word, self.now) + ROOM_CYCLES

    def _swap(self, place: Pass, start: int) -> None:
        """What the first step of a pass sets going."""
        self.last_swap = start
        if place.is_last_of_packet:
            self.last_packet = start
            if place.is_last_packet:
                self.now.releases.append(start + cost_ws.release_cycles(self.params))


class SeenPorts:
    """Ports as observed: per port, cycles of the transfers and, for operands, of the offers."""

    def __init__(
        self,
        params: SystolicParams,
        *,
        a_offers: Sequence[int],
        b_offers: Sequence[int],
        commands: Sequence[int],
        outputs: Sequence[int],
        parameters: Sequence[int] = (),
    ) -> None:
        self.params = params
        self.a_offers, self.b_offers = iter(a_offers), iter(b_offers)
        self.commands, self.outputs = iter(commands), outputs
        self.parameters, self.num_sets = parameters, 0

    def a(self) -> int:
        return next(self.a_offers)

    def b(self) -> int:
        return next(self.b_offers)

    def command(self, now: Timing) -> int:
        return next(self.commands)

    def sets(self, num_sets: int, now: Timing) -> int:
        self.num_sets += num_sets
        return self.parameters[self.num_sets * self.params.words_per_set - 1]

    def taken(self, n: int, now: Timing) -> int:
        return self.outputs[n]


class FreePorts:
    """Ports that never hold the kernel up: the law of the kernel alone."""

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        self.activated = -1  # the cycle that made the last command the active one
        self.last_parameter = -1
        self.panel_of_set: list[int] = []
        self.num_panels = 0
        self.outputs: list[int] = []

    def a(self) -> int:
        return 0

    def b(self) -> int:
        return 0

    def command(self, now: Timing) -> int:
        """One command waits behind the active one."""
        accepted = self.activated + 1
        self.activated = max(accepted + 1, now.a[-1] if now.a else BEFORE)
        return accepted

    def sets(self, num_sets: int, now: Timing) -> int:
        """The ring takes a word per cycle while a set of it is free."""
        for _ in range(num_sets):
            old = len(self.panel_of_set) - self.params.param_sets
            freed = now.releases[self.panel_of_set[old]] - 1 if old >= 0 else BEFORE
            self.last_parameter = max(self.last_parameter, freed) + self.params.words_per_set
            self.panel_of_set.append(self.num_panels)
        self.num_panels += 1
        return self.last_parameter

    def taken(self, n: int, now: Timing) -> int:
        for valid in now.outputs[len(self.outputs) : n + 1]:
            self.outputs.append(max(valid, self.outputs[-1] + 1 if self.outputs else BEFORE))
        return self.outputs[n]


def kernel_cycles(params: SystolicParams, commands: Sequence[PassLoops]) -> int:
    """Cycles from the first command's transfer to the last output word, both included.

    Commands, operands and parameters are offered from the cycle of the first command on without a
    pause, and every output word is taken at once.
    """
    if len(commands) == 1:
        return closed_ws.one_command_cycles(params, commands[0])
    return recurrence_cycles(params, commands)


def recurrence_cycles(params: SystolicParams, commands: Sequence[PassLoops]) -> int:
    """`kernel_cycles` step by step, for any number of commands."""
    ports = FreePorts(params)
    now = timing(params, commands, ports)
    return ports.taken(len(now.outputs) - 1, now) + 1
