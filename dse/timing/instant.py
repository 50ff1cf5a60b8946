"""What if memory cost nothing: loads and stores that are over the moment their tokens are there.

No hardware is like that. The difference to the real times is what memory costs a program.
"""

from __future__ import annotations

from collections.abc import Sequence

from tilewright.dataflow.program import Command

from .memory import PARAMETERS, Traffic
from .network import Channel, Process
from .parts import NEVER, Ports, give_all, take_all
from .walk import walk


def instant_process(
    commands: Sequence[Command], ports: Ports, parameters: Channel | None, traffic: Traffic
) -> Process:
    """Loads (with `parameters`) or stores, all of whose words move in no time."""
    last = NEVER
    for command in commands:
        waits, signals = ports.waits(command), ports.signals(command)
        run_words = command.fields["run_words"]
        to_parameters = command.fields.get("target", 0) == PARAMETERS
        begun = NEVER
        for start_level, end_level in walk(command.bounds):
            earliest = max(ports.delays.first_element, last)
            last = yield from take_all(waits, start_level, earliest)
            begun = last if begun == NEVER else begun
            if parameters is not None and to_parameters:
                parameters.give(last, run_words)
            give_all(signals, end_level, last)
            traffic.words += run_words
        ports.spans.append((begun, last + 1))
    traffic.last_cycle = last
