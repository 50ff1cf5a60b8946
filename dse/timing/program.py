"""A whole program as a network of timed processes: when each command of each unit runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.hw.lib.dma_params import StoreParams
from tilewright.hw.lib.params import StreamerParams
from tilewright.hw.systolic import cost
from tilewright.hw.systolic.params import SystolicParams, engine_params

from .engine import CoreStreams, core_process
from .engine_ws import StepStreams, steps_process, weights_process
from .instant import instant_process
from .memory import Traffic, load_process, store_process
from .network import Channel, Process, run_network
from .parts import LAUNCH_CYCLE, Delays, Ports
from .streams import Feed, Results, WordFeed, read_process, read_words_process, write_process

STREAMER_CREDITS = StreamerParams.credits
STORE_CREDITS = StoreParams.credits
UNITS = ("load", "array.a", "array.b", "array.core", "array.o", "store")

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When everything happens, in cycles from the accepted write of the start bit.

    `cycles`: to the last write response, inclusive. `starts`: blocks (weight stationary: steps)
    that the array starts, each `cycles_per_start` long. `spans`: for each unit, [start, end) of
    each of its commands: the first address, element or block, to behind the last one.
    """

    cycles: int
    num_starts: int
    cycles_per_start: int
    loaded: Traffic
    stored: Traffic
    spans: Mapping[str, tuple[Span, ...]]


def time_program(
    program: Program,
    machine: Machine,
    *,
    delays: Delays | None = None,
    has_memory_time: bool = True,
) -> Timing:
    """The exact times of `program` on `machine`; or what they would be with other `delays`, or with
    a memory that moves everything in no time.

    Raises:
        Deadlock: if the program can never finish.
        NotExact: if there is no exact law for it.
    """
    chosen = Delays() if delays is None else delays
    tokens = {
        token.name: Channel(
            name=token.name, times=[LAUNCH_CYCLE] * token.initial, delay_cycles=chosen.token
        )
        for token in program.tokens
    }
    ports = {unit: Ports(tokens=tokens, delays=chosen) for unit in UNITS}
    params = engine_params(machine.engines[0].params, bound_bits=1)
    is_by_word = params.dataflow == "weight_stationary"
    parameters = Channel(name="parameters")
    results = Results(
        valid=Channel(name="results"), left=Channel(name="results left"), is_by_word=is_by_word
    )
    connect = _weight_stationary if is_by_word else _output_stationary
    array, starts = connect(program, params, ports, parameters, results)
    loaded, stored = Traffic(), Traffic()
    load, store = program.units["load"], program.units["store"]
    if has_memory_time:
        array["load"] = load_process(load, machine, ports["load"], parameters, loaded)
        array["store"] = store_process(store, machine, ports["store"], STORE_CREDITS, stored)
    else:
        array["load"] = instant_process(load, ports["load"], parameters, loaded)
        array["store"] = instant_process(store, ports["store"], None, stored)
    run_network(array)
    return Timing(
        cycles=stored.last_cycle + 1,
        num_starts=len(starts.times),
        cycles_per_start=1 if is_by_word else cost.block_cycles(params),
        loaded=loaded,
        stored=stored,
        spans={unit: tuple(port.spans) for unit, port in ports.items()},
    )


def _output_stationary(
    program: Program,
    params: SystolicParams,
    ports: Mapping[str, Ports],
    parameters: Channel,
    results: Results,
) -> tuple[dict[str, Process], Channel]:
    """The processes of the array and its streamers, and the channel of its block starts."""
    a = _feed("a", cost.a_block_words(params), params)
    b = _feed("b", cost.b_block_words(params), params)
    units = program.units
    return {
        "array.a": read_process(units["array.a"], ports["array.a"], a, STREAMER_CREDITS),
        "array.b": read_process(units["array.b"], ports["array.b"], b, STREAMER_CREDITS),
        "array.core": core_process(
            units["array.core"],
            params,
            ports["array.core"],
            CoreStreams(a=a, b=b, parameters=parameters, results=results),
        ),
        "array.o": write_process(units["array.o"], ports["array.o"], results),
    }, a.starts


def _weight_stationary(
    program: Program,
    params: SystolicParams,
    ports: Mapping[str, Ports],
    parameters: Channel,
    results: Results,
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
        "array.a": read_words_process(units["array.a"], ports["array.a"], a, STREAMER_CREDITS),
        "array.b": read_words_process(units["array.b"], ports["array.b"], b, STREAMER_CREDITS),
        "array.weights": weights_process(core, params, b, streams.swaps, streams.loaded),
        "array.core": steps_process(core, params, ports["array.core"], streams),
        "array.o": write_process(units["array.o"], ports["array.o"], results),
    }, a.taken


def _feed(name: str, words: int, params: SystolicParams) -> Feed:
    return Feed(
        block_words=words,
        buffered_blocks=params.edge_blocks,
        arrived=Channel(name=f"{name} words"),
        starts=Channel(name=f"{name} block starts"),
        room_cycles=cost.ROOM_CYCLES,
    )
