"""The detail of a design for a list of layers: the sweep's numbers, and those of programs."""

import dataclasses
import itertools

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dse.block_estimate import block_evaluation
from tilewright.dse.block_machines import reader_of
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.point_detail import LAYERS, PointDetail, parse_point, point_text
from tilewright.dse.point_of import detail_of
from tilewright.dse.point_of_layers import MAX_RUNS, layers_detail
from tilewright.dse.report.trace import trace_of
from tilewright.dse.workloads.layers import Matmul, Workload
from tilewright.dse.workloads.read import library_workload

from tilewright.catalog import load_spec
from tilewright.workloads import matmul_graph

SPEC = load_spec("examples/digits_mlp.yaml")
ENGINE, MEMORY = "accelerator.engines.array.", "accelerator.memory."
DATAFLOWS = ("output_stationary", "weight_stationary")
WAYS = {"near": (16, 10, 8), "far": (4, 100, 2), "usual": (8, 40, 8)}
MODELS = {"layer": (40, 64, [48]), "chain": (30, 48, [32, 32])}


def columns(dataflow: str, way: str, capacity: int = 1 << 19):
    """A design: an 8 x 8 array behind one of `WAYS` (bytes per cycle, latency, bursts)."""
    width, latency, outstanding = WAYS[way]
    values = {
        f"{ENGINE}rows": 8,
        f"{ENGINE}cols": 8,
        f"{ENGINE}dataflow": dataflow,
        "accelerator.scratchpad.capacity": capacity,
        f"{MEMORY}bytes_per_cycle": width,
        f"{MEMORY}latency_cycles": latency,
        f"{MEMORY}outstanding": outstanding,
    }
    return {path: np.array([value]) for path, value in values.items()}


def detail(workload: Workload, of) -> PointDetail:
    found = layers_detail(7, {"a": 1}, reader=reader_of(SPEC), workload=workload, columns=of)
    assert found is not None
    return found


def chain(m: int, k: int, widths: list[int]) -> Workload:
    sizes = zip([k, *widths[:-1]], widths, strict=True)
    layers = (Matmul(name=f"matmul_{i}", M=m, K=a, N=b) for i, (a, b) in enumerate(sizes))
    return Workload(name="chain", layers=tuple(layers))


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v1", "bert_base"])
def test_it_is_the_sweeps_own_numbers(name: str, dataflow: str) -> None:
    """To the cycle and to the byte, and all parts of it sum up."""
    workload, of = library_workload(name), columns(dataflow, "far", 1 << 20)
    told = block_evaluation(workload, SPEC, [TABLES["horowitz_45nm"]], family="ecp5").many(of)
    found = detail(workload, of)
    assert found.basis == LAYERS
    assert found.cycles == told["cycles"][0] == found.waterfall.cycles
    assert found.utilisation == pytest.approx(told["utilisation"][0])
    assert [layer.name for layer in found.layers] == [layer.name for layer in workload.layers]
    assert sum(layer.macs for layer in found.layers) == workload.macs
    for layer in found.layers:
        parts = dataclasses.asdict(layer.waterfall)
        assert min(parts.values()) >= 0, (layer.name, parts)
        assert layer.waterfall.ideal >= layer.macs / found.macs_per_cycle
    for moved in (found.layers, found.traffic):
        total = sum(item.bytes_read + item.bytes_written for item in moved)
        assert total == told["bytes_off_chip"][0]
    assert parse_point(point_text(found)) == found
    assert trace_of(found)["traceEvents"]


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize("way", ["near", "far"])
@pytest.mark.parametrize("model", MODELS)
def test_causes_are_those_of_the_program(model: str, way: str, dataflow: str) -> None:
    """Of the same layers, compiled and timed event by event: what differs is the estimate's own
    error, which is memory's."""
    m, k, widths = MODELS[model]
    of, graph = columns(dataflow, way), matmul_graph(m, k, widths, seed=1)
    machine = machine_of_section(reader_of(SPEC).machines(of, 1).section(0))
    plan, program = compile_graph(graph, machine)
    true = detail_of(7, {"a": 1}, graph=graph, machine=machine, plan=plan, program=program)
    found = detail(chain(m, k, widths), of)
    for ours, theirs in zip(found.layers, true.layers, strict=True):
        assert ours.waterfall.ideal == theirs.waterfall.ideal
        assert ours.waterfall.mapping == theirs.waterfall.mapping
        assert ours.waterfall.fill == pytest.approx(theirs.waterfall.fill, abs=12)
        assert ours.waterfall.control == pytest.approx(theirs.waterfall.control, abs=3)
        assert (ours.bytes_read, ours.bytes_written) == (theirs.bytes_read, theirs.bytes_written)
    assert [w.change for w in found.what_ifs] == [w.change for w in true.what_ifs]
    for ours, theirs in zip(found.what_ifs, true.what_ifs, strict=True):
        assert ours.cycles == pytest.approx(theirs.cycles, rel=0.12), ours.change
    assert found.sentence.split(" in ")[0] == true.sentence.split(" in ")[0]
    per_bank = machine.scratchpad.words_per_bank
    for banks in plan.banks:
        mine = [stay for stay in found.stays if stay.banks == banks.name]
        assert {stay.start for stay in mine} == {banks.start * per_bank}
        if banks.name == "a":  # of the rings a program goes on using the next slot
            held = [r for r in plan.residencies if r.banks.name == banks.name]
            assert max(stay.words for stay in mine) == max(r.offset_words + r.words for r in held)
        assert all(stay.words <= banks.num_banks * per_bank for stay in mine)


def test_when_each_unit_works() -> None:
    """Every run of every layer has bars, within its layer and the run."""
    workload = Workload(
        name="two",
        layers=(
            Matmul(name="first", M=40, K=64, N=32, repeats=3),
            Matmul(name="second", M=9, K=8, N=100),
        ),
    )
    found = detail(workload, columns("output_stationary", "usual"))
    assert not found.are_spans_joined
    assert [found.layers[0].repeats, len(found.spans)] == [3, 3 * (3 + 1)]
    edge = found.layers[0].cycles
    for span in found.spans:
        low, high = (0, edge) if span.layer == "first" else (edge, found.cycles)
        assert low <= span.start < span.end <= high
    core = [span for span in found.spans if span.unit == "array.core"]
    assert all(one.end <= other.start for one, other in itertools.pairwise(core))


def test_many_repeats_share_their_bars() -> None:
    layer = Matmul(name="heads", M=64, K=64, N=64, repeats=MAX_RUNS + 1)
    found = detail(Workload(name="heads", layers=(layer,)), columns("weight_stationary", "near"))
    assert found.are_spans_joined
    assert len(found.spans) == 3
    assert found.layers[0].macs == 64**3 * (MAX_RUNS + 1)
    assert "verify.batch" not in found.sentence


def test_what_does_not_fit_has_no_detail() -> None:
    of = columns("output_stationary", "usual", 1 << 13)
    workload, reader = library_workload("resnet50"), reader_of(SPEC)
    assert layers_detail(1, {}, reader=reader, workload=workload, columns=of) is None
    of[f"{ENGINE}cols"] = np.array([0])
    assert layers_detail(1, {}, reader=reader, workload=workload, columns=of) is None


def test_few_bursts_under_way_are_told() -> None:
    """Four bytes a cycle behind 100 cycles: two bursts do not hide them."""
    found = detail(chain(128, 96, [64, 64]), columns("weight_stationary", "far"))
    changes = {change.change: change.cycles for change in found.what_ifs}
    assert changes["accelerator.memory.outstanding: 4"] < found.cycles
    assert "waits for memory" in found.sentence
