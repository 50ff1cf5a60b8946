"""Cycles of a program without any RTL: every unit by its cost law, tokens between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.hw.configure import systolic_params
from tilewright.hw.lib.params import StreamerParams
from tilewright.hw.lib.dma_params import StoreParams
from tilewright.hw.systolic import cost

from .timing.engine import core_process
from .timing.memory import Traffic, load_process, store_process
from .timing.network import Channel, run_network
from .timing.parts import LAUNCH_CYCLE, Ports
from .timing.streams import Feed, Results, read_process, write_process

STREAMER_CREDITS = StreamerParams.credits
STORE_CREDITS = StoreParams.credits


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a program takes on a machine.

    `cycles`: from the accepted write of the start bit to the last write response, inclusive. `steps`: cycles in which the array's
    first PE has operands. `read_words`, `written_words`: moved over the memory port.
    """

    cycles: int
    steps: int
    macs_per_cycle: int
    read_words: int
    written_words: int
    read_bursts: int
    written_bursts: int

    def utilisation(self, macs: int) -> float:
        """Share of the array's peak that `macs` useful multiply-accumulates make."""
        return macs / (self.cycles * self.macs_per_cycle)


def estimate(program: Program, machine: Machine) -> Estimate:
    """The exact cycles of `program` on `machine`, for memory of fixed latency and a plan without bank conflicts.

    Raises:
        Deadlock: if the program can never finish.
        NotExact: if there is no exact law for it.
    """
    tokens = {
        token.name: Channel(name=token.name, times=[LAUNCH_CYCLE] * token.initial)
        for token in program.tokens
    }
    ports = Ports(tokens=tokens)
    params = systolic_params(machine.engines[0], bound_bits=1)
    feeds = {name: _feed(name, words) for name, words in _block_words(params).items()}
    for feed in feeds.values():
        feed.buffered_blocks = params.edge_blocks
    parameters = Channel(name="parameters")
    results = Results(valid=Channel(name="results"), left=Channel(name="results left"))
    loaded, stored = Traffic(), Traffic()
    units = program.units
    run_network(
        {
            "load": load_process(units["load"], machine, ports, parameters, loaded),
            "array.a": read_process(units["array.a"], ports, feeds["a"], STREAMER_CREDITS),
            "array.b": read_process(units["array.b"], ports, feeds["b"], STREAMER_CREDITS),
            "array.core": core_process(
                units["array.core"], params, ports, feeds["a"], feeds["b"], parameters, results
            ),
            "array.o": write_process(units["array.o"], ports, results),
            "store": store_process(units["store"], machine, ports, STORE_CREDITS, stored),
        }
    )
    return Estimate(
        cycles=stored.last_cycle + 1,
        steps=len(feeds["a"].starts.times) * cost.block_cycles(params),
        macs_per_cycle=params.rows * params.cols,
        read_words=loaded.words,
        written_words=stored.words,
        read_bursts=loaded.bursts,
        written_bursts=stored.bursts,
    )


def _block_words(params: object) -> Mapping[str, int]:
    return {"a": cost.a_block_words(params), "b": cost.b_block_words(params)}  # type: ignore[arg-type]


def _feed(name: str, words: int) -> Feed:
    return Feed(
        block_words=words,
        buffered_blocks=2,
        arrived=Channel(name=f"{name} words"),
        starts=Channel(name=f"{name} block starts"),
        room_cycles=cost.ROOM_CYCLES,
    )
