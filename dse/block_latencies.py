"""Cycles that units take to hand work on, as the closed form of a layer's time adds them up.

Numbers are those of `hw.lib.cost`, in the groups that `block_cycles` counts with; each is in part
the memory port's (DMAs) and in part control (tokens, streamers, commands), so that a layer can be
timed without one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tilewright.hw.lib import cost
from tilewright.hw.systolic.cost import WORD_TO_START_CYCLES

ISSUE_TO_OUTPUT: Final = cost.STREAMER_ISSUE_TO_REQUEST + cost.streamer_grant_to_output(
    cost.READ_LATENCY
)
ISSUE_TO_GIVE: Final = cost.STREAMER_ISSUE_TO_REQUEST + cost.STREAMER_GRANT_TO_GIVE
LOAD_CYCLES: Final = cost.DMA_ELEMENT_TO_ADDRESS + cost.LOAD_BEAT_TO_WORD + cost.LOAD_GRANT_TO_GIVE
STORE_CYCLES: Final = cost.STORE_ADDRESS_TO_REQUEST + cost.store_grant_to_beat(cost.READ_LATENCY)
SLOT_CYCLES: Final = (
    cost.DMA_ELEMENT_TO_ADDRESS + cost.STORE_ADDRESS_TO_REQUEST - 1 + cost.STORE_GRANT_TO_GIVE
)


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """In cycles.

    `run_to_start`: from a run's element to the start of the array, besides latency, beats and an
    edge's words. `taken_to_beat`: from the last result word's way into the scratchpad to its tile's
    first beat out of it. `store`: from a store's address to its first beat. `slot`: from the last
    word written into a slot of results to the first one after it was stored, besides the cycles of
    the store. `response_to_element`: from a last response to the next op's first element.
    `first_element`: from the start of a program to its first one.
    """

    run_to_start: int
    taken_to_beat: int
    store: int
    slot: int
    response_to_element: int
    first_element: int


def latencies(*, has_memory: bool = True, has_control: bool = True) -> Latencies:
    """The hardware's; or without what the memory port or control takes."""
    memory, control = int(has_memory), int(has_control)
    token = control * cost.TOKEN_GIVE_TO_AVAILABLE
    give = control * ISSUE_TO_GIVE + token
    command = cost.REGISTER_WRITE_TO_PULSE + cost.QUEUE_START_TO_COMMAND
    return Latencies(
        run_to_start=memory * LOAD_CYCLES + token + control * ISSUE_TO_OUTPUT
        + WORD_TO_START_CYCLES,
        taken_to_beat=give + memory * (cost.DMA_ELEMENT_TO_ADDRESS + STORE_CYCLES),
        store=memory * STORE_CYCLES,
        slot=give + token + memory * SLOT_CYCLES,
        response_to_element=memory * cost.STORE_RESPONSE_TO_GIVE + token,
        first_element=command + control * cost.COMMAND_TO_ELEMENT,
    )  # fmt: skip


HARDWARE: Final = latencies()
