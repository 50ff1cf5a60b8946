"""Cycles of a program without any RTL: every unit by its cost law, tokens between them."""

from __future__ import annotations

from dataclasses import dataclass

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.hw.lib.dma_params import StoreParams
from tilewright.hw.lib.params import StreamerParams
from tilewright.hw.systolic import cost
from tilewright.hw.systolic.params import SystolicParams, engine_params

from .timing.engine import CoreStreams, core_process
from .timing.engine_ws import StepStreams, steps_process, weights_process
from .timing.memory import Traffic, load_process, store_process
from .timing.network import Channel, Process, run_network
from .timing.parts import LAUNCH_CYCLE, Ports
from .timing.streams import (
    Feed,
    Results,
    WordFeed,
    read_process,
    read_words_process,
    write_process,
)

STREAMER_CREDITS = StreamerParams.credits
STORE_CREDITS = StoreParams.credits


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a program takes on a machine.

    `cycles`: from the accepted write of the start bit to the last write response, inclusive.
    `steps`: cycles in which the array's first PE has operands. `read_words`, `written_words`: moved
    over the memory port.
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
    """The exact cycles of `program` on `machine`, for memory of fixed latency and a plan without
    bank conflicts.

    Raises:
        Deadlock: if the program can never finish.
        NotExact: if there is no exact law for it.
    """
    tokens = {
        token.name: Channel(name=token.name, times=[LAUNCH_CYCLE] * token.initial)
        for token in program.tokens
    }
    ports = Ports(tokens=tokens)
    params = engine_params(machine.engines[0].params, bound_bits=1)
    parameters = Channel(name="parameters")
    loaded, stored = Traffic(), Traffic()
    units = program.units
    results = Results(valid=Channel(name="results"), left=Channel(name="results left"))
    if params.dataflow == "output_stationary":
        array, starts = _output_stationary(program, params, ports, parameters, results)
        cycles_per_start = cost.block_cycles(params)
    else:
        results.is_by_word = True
        array, starts = _weight_stationary(program, params, ports, parameters, results)
        cycles_per_start = 1
    run_network(
        {
            "load": load_process(units["load"], machine, ports, parameters, loaded),
            **array,
            "array.o": write_process(units["array.o"], ports, results),
            "store": store_process(units["store"], machine, ports, STORE_CREDITS, stored),
        }
    )
    return Estimate(
        cycles=stored.last_cycle + 1,
        steps=len(starts.times) * cycles_per_start,
        macs_per_cycle=params.rows * params.cols,
        read_words=loaded.words,
        written_words=stored.words,
        read_bursts=loaded.bursts,
        written_bursts=stored.bursts,
    )


def _output_stationary(
    program: Program, params: SystolicParams, ports: Ports, parameters: Channel, results: Results
) -> tuple[dict[str, Process], Channel]:
    """The processes of the array and its streamers, and the channel of its block starts."""
    a = _feed("a", cost.a_block_words(params), params)
    b = _feed("b", cost.b_block_words(params), params)
    units = program.units
    return {
        "array.a": read_process(units["array.a"], ports, a, STREAMER_CREDITS),
        "array.b": read_process(units["array.b"], ports, b, STREAMER_CREDITS),
        "array.core": core_process(
            units["array.core"],
            params,
            ports,
            CoreStreams(a=a, b=b, parameters=parameters, results=results),
        ),
    }, a.starts


def _weight_stationary(
    program: Program, params: SystolicParams, ports: Ports, parameters: Channel, results: Results
) -> tuple[dict[str, Process], Channel]:
    """The same; the channel is that of its steps."""
    a, b = (
        WordFeed(offered=Channel(name=f"{name} words"), taken=Channel(name=f"{name} taken"))
        for name in "ab"
    )
    streams = StepStreams(
        a=a,
        swaps=Channel(name="passes"),
        loaded=Channel(name="weights"),
        parameters=parameters,
        results=results,
    )
    units = program.units
    core = units["array.core"]
    return {
        "array.a": read_words_process(units["array.a"], ports, a, STREAMER_CREDITS),
        "array.b": read_words_process(units["array.b"], ports, b, STREAMER_CREDITS),
        "array.weights": weights_process(core, params, b, streams.swaps, streams.loaded),
        "array.core": steps_process(core, params, ports, streams),
    }, a.taken


def _feed(name: str, words: int, params: SystolicParams) -> Feed:
    return Feed(
        block_words=words,
        buffered_blocks=params.edge_blocks,
        arrived=Channel(name=f"{name} words"),
        starts=Channel(name=f"{name} block starts"),
        room_cycles=cost.ROOM_CYCLES,
    )
