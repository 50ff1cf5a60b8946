"""The detail of one design: sums to the cycle, traffic to the byte, on many machines."""

import dataclasses
import itertools

import pytest
from tilewright.dataflow.compile import command_tasks, compile_graph
from tilewright.dataflow.serial import SerialError
from tilewright.dse.estimate import estimate
from tilewright.dse.point_detail import PointDetail, parse_point, point_text
from tilewright.dse.point_of import MAX_SPANS, detail_of
from tilewright.dse.timing.parts import NO_DELAYS
from tilewright.dse.timing.program import UNITS, time_program
from tilewright.dse.waterfall import task_ends

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

MODELS = {
    "one": (1, 1, 1),
    "chain": (33, 70, [64, 40, 9]),
    "square": (32, 64, [64, 64]),
    "samples": (100, 64, [32, 32, 10]),
}
MACHINES = {
    "small": {"rows": 4, "cols": 4, "lanes": 8, "bytes_per_cycle": 4},
    "ragged": {"rows": 3, "cols": 5, "lanes": 10, "bytes_per_cycle": 8, "latency_cycles": 7},
    "rows": {"rows": 4, "cols": 8, "lanes": 8, "dataflow": "weight_stationary"},
    "far": {"rows": 8, "cols": 8, "lanes": 16, "bytes_per_cycle": 1, "latency_cycles": 200},
    "near": {"rows": 8, "cols": 8, "lanes": 16, "bytes_per_cycle": 16, "latency_cycles": 1},
}
CASES = [
    (model, machine, objective)
    for model, machine in itertools.product(MODELS, MACHINES)
    for objective in ("cycles", "bytes")
    if not (objective == "bytes" and (machine == "rows" or model == "samples"))
]


def design(model: str, name: str, objective: str = "cycles"):
    """Graph, machine, plan, program."""
    sizes = MACHINES[name]
    machine = systolic_machine(scratchpad_bytes=sizes["lanes"] * 2048, banks=8, **sizes)
    m, k, n = MODELS[model]
    graph = matmul_graph(m, k, n, seed=1)
    return (graph, machine, *compile_graph(graph, machine, objective, 0.2))


def detail(model: str, name: str, objective: str = "cycles") -> PointDetail:
    graph, machine, plan, program = design(model, name, objective)
    return detail_of(7, {"a": 1}, graph=graph, machine=machine, plan=plan, program=program)


@pytest.mark.parametrize(("model", "name", "objective"), CASES)
def test_sums(model: str, name: str, objective: str) -> None:
    graph, machine, plan, program = design(model, name, objective)
    found = detail_of(7, {"a": 1}, graph=graph, machine=machine, plan=plan, program=program)
    told = estimate(program, machine)
    assert found.cycles == told.cycles == found.waterfall.cycles
    for layer in found.layers:
        parts = dataclasses.asdict(layer.waterfall)
        assert sum(parts.values()) == layer.cycles
        assert min(parts.values()) >= 0, (layer.name, parts)
        assert layer.waterfall.ideal >= layer.macs / found.macs_per_cycle
    assert sum(layer.cycles for layer in found.layers) == found.cycles
    assert sum(layer.macs for layer in found.layers) == graph.macs
    assert found.waterfall.ideal + found.waterfall.mapping == told.steps
    read = told.read_words * machine.word_bytes
    written = told.written_words * machine.word_bytes
    for moved in (found.layers, found.traffic):
        assert sum(item.bytes_read for item in moved) == read
        assert sum(item.bytes_written for item in moved) == written
    assert read + written == plan.certificate.bytes
    assert found.utilisation == pytest.approx(told.utilisation(graph.macs))
    assert parse_point(point_text(found)) == found


@pytest.mark.parametrize(("model", "name", "objective"), CASES)
def test_what_a_part_says_is_what_timing_again_says(model: str, name: str, objective: str) -> None:
    """Of a single layer nothing is shifted to another one; of several, parts may only grow."""
    graph, machine, plan, program = design(model, name, objective)
    found = detail_of(0, {}, graph=graph, machine=machine, plan=plan, program=program)
    no_memory = time_program(program, machine, has_memory_time=False)
    alone = time_program(program, machine, has_memory_time=False, delays=NO_DELAYS)
    assert alone.cycles <= no_memory.cycles <= found.cycles
    assert found.waterfall.memory >= found.cycles - no_memory.cycles
    if len(graph.ops) == 1:
        assert found.waterfall.memory == found.cycles - no_memory.cycles
        assert found.waterfall.control == no_memory.cycles - alone.cycles


@pytest.mark.parametrize(("model", "name", "objective"), CASES)
def test_times_of_tasks(model: str, name: str, objective: str) -> None:
    graph, machine, plan, program = design(model, name, objective)
    tasks = command_tasks(graph, plan, machine)
    timing = time_program(program, machine)
    assert {unit: len(of) for unit, of in tasks.items()} == {
        unit: len(commands) for unit, commands in program.units.items()
    }
    assert list(tasks["array.core"]) == list(range(len(plan.tasks)))
    for unit in UNITS:
        assert list(tasks[unit]) == sorted(tasks[unit])
        spans = timing.spans[unit]
        assert all(0 <= start < end <= timing.cycles for start, end in spans), unit
        assert all(one[0] <= other[0] for one, other in itertools.pairwise(spans)), unit
    start = 0
    core = timing.spans["array.core"]
    for end, work, task in zip(
        task_ends(timing, tasks, len(plan.tasks)), core, plan.tasks, strict=True
    ):
        assert start <= work[0] < work[1] <= end
        assert task.cycles <= work[1] - work[0]
        start = end


def test_a_slow_memory_is_told_and_helped() -> None:
    found = detail("samples", "far")
    assert "waits for memory" in found.sentence
    assert "accelerator.memory.bytes_per_cycle: 2 gives -" in found.sentence
    told = {change.change: change.cycles for change in found.what_ifs}
    _, machine, _, program = design("samples", "far")
    faster = dataclasses.replace(
        machine, memory=dataclasses.replace(machine.memory, bytes_per_cycle=2)
    )
    cycles = told["accelerator.memory.bytes_per_cycle: 2"]
    assert cycles == estimate(program, faster).cycles < found.cycles


def test_padding_is_told_and_named() -> None:
    """32 channels fill 4 panels of 10 by four fifths."""
    found = detail("samples", "ragged").sentence
    assert "works on padding in 30 %: most by N = 32 of matmul_0 against lanes 10" in found
    found = detail("chain", "near").sentence
    assert "most by M = 33 of matmul_0 against rows 8" in found


def test_a_fast_memory_is_not_blamed() -> None:
    slow, fast = detail("samples", "far").waterfall, detail("samples", "near").waterfall
    assert slow.ideal == fast.ideal
    assert slow.mapping == fast.mapping
    assert fast.memory < slow.memory / 20


def test_many_commands_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = detail("chain", "small")
    assert not whole.are_spans_joined
    monkeypatch.setattr("tilewright.dse.point_of.MAX_SPANS", len(whole.spans) // 2)
    joined = detail("chain", "small")
    assert joined.are_spans_joined
    assert len(joined.spans) < len(whole.spans) <= MAX_SPANS
    for unit in UNITS:
        ends = [[s.end for s in one.spans if s.unit == unit] for one in (whole, joined)]
        assert max(ends[0]) == max(ends[1])


def test_a_changed_sum_is_refused() -> None:
    found = detail("one", "small")
    wrong = point_text(dataclasses.replace(found, cycles=found.cycles + 1))
    with pytest.raises(SerialError, match="sum to"):
        parse_point(wrong)
    with pytest.raises(SerialError, match="format"):
        parse_point("{}")
