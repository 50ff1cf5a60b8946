"""The vectorised estimate against the parts that one design is asked by."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dse.block_estimate import block_evaluation, ops_of
from tilewright.dse.block_machines import reader_of
from tilewright.dse.energy.accelerator import accelerator_energy, moved_by
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.estimate import estimate
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Listed, Parameter
from tilewright.dse.space_goals import Goals, Objective
from tilewright.dse.sweep import Sweep, sweep_blocks
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_tasks import REFUSED, measure_one
from tilewright.dse.workloads.layers import Matmul, Workload
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.configure import configure
from tilewright.hw.lib.resources import resources_of
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS

from tilewright.catalog import load_spec
from tilewright.workloads import matmul_graph

SEED = 40
DESIGNS = 24
ENGINE, PAD, MEMORY = "accelerator.engines.array.", "accelerator.scratchpad.", "accelerator.memory."
TABLE = TABLES["accelergy_45nm"]
M, K, WIDTHS = 70, 90, (33, 64, 33)
FAMILY = "ecp5"


@pytest.fixture(scope="module")
def spec(request):
    return load_spec(request.config.rootpath / "examples" / "digits_mlp.yaml")


@pytest.fixture(scope="module")
def workload():
    depths = (K, *WIDTHS[:-1])
    return Workload(
        name="chain",
        layers=tuple(
            Matmul(name=f"l{k}x{n}", M=M, K=k, N=n) for k, n in zip(depths, WIDTHS, strict=True)
        ),
    )


def columns_of(rng, rows):
    """Keys as a space has them: sizes in bytes, clocks in hertz."""
    dataflows = np.array(["output_stationary", "weight_stationary"])
    return {
        f"{ENGINE}rows": rng.choice([4, 8, 16], rows),
        f"{ENGINE}cols": rng.choice([4, 8, 16], rows),
        f"{ENGINE}dataflow": rng.choice(dataflows, rows),
        f"{ENGINE}requantize.mode": rng.choice(np.array(["exact", "fixed"]), rows),
        f"{PAD}capacity": rng.choice([1 << 13, 1 << 14, 1 << 16], rows),
        f"{PAD}banks": rng.choice([4, 8, 16], rows),
        f"{MEMORY}bytes_per_cycle": rng.choice([4, 8, 16, 32], rows),
        f"{MEMORY}latency_cycles": rng.choice([10, 40, 90], rows),
        f"{MEMORY}outstanding": rng.choice([2, 4, 8], rows),
        "accelerator.counters": rng.choice([True, False], rows),
        "accelerator.fifos": rng.choice(np.array(["auto", "ram_blocks"]), rows),
        "clock": rng.choice([25_000_000, 100_000_000], rows),
        "pes": rng.integers(1, 9, rows),  # a derived parameter: no key of the spec
    }


@pytest.fixture(scope="module")
def found(spec, workload):
    columns = columns_of(np.random.default_rng(SEED), DESIGNS)
    evaluation = block_evaluation(workload, spec, [TABLE, TABLES["eyeriss_65nm"]], family=FAMILY)
    return columns, evaluation.many(columns)


@pytest.fixture(scope="module")
def machines(spec, found):
    """Of the designs that have numbers; by design."""
    columns, _ = found
    made = reader_of(spec).machines(columns, DESIGNS)
    return {d: machine_of_section(made.section(d)) for d in range(DESIGNS)}


def test_numbers_are_those_of_one_design(found, machines):
    columns, metrics = found
    graph = matmul_graph(M, K, WIDTHS, seed=1)
    errors = []
    for design, machine in machines.items():
        label = f"seed {SEED} design {design}: {machine}"
        try:
            _, program = compile_graph(graph, machine)
        except DoesNotFit:
            assert "do not fit" in metrics[REFUSED][design], label
            assert np.isnan(metrics["cycles"][design]), label
            continue
        assert metrics[REFUSED][design] is None, label
        exact = estimate(program, machine)
        moved_bytes = (exact.read_words + exact.written_words) * machine.word_bytes
        products = exact.steps * exact.macs_per_cycle
        moved = moved_by(program, machine, products=products, bytes_off_chip=moved_bytes)
        energy = accelerator_energy(TABLE, moved).total / 1e6
        assert metrics["bytes_off_chip"][design] == moved_bytes, label
        assert metrics["energy_uj"][design] == pytest.approx(float(energy), rel=1e-12), label
        check_resources(design, found, machine, program, label)
        check_clock(design, metrics, columns, machine)
        errors.append(metrics["cycles"][design] / exact.cycles - 1)
    assert len(errors) > DESIGNS // 2
    assert np.abs(errors).mean() < 0.06, errors
    assert np.abs(errors).max() < 0.25, errors


def check_resources(design, found, machine, program, label):
    columns, metrics = found
    config = configure(
        machine,
        program,
        name="one",
        programmable_rows=PROGRAMMABLE_ROWS,
        has_counters=bool(columns["accelerator.counters"][design]),
        has_ram_fifos=columns["accelerator.fifos"][design] == "ram_blocks",
    )
    told = resources_of(accelerator_structure(config, FAMILY))
    for name in ("lut", "ff", "dsp", "ram_blocks"):
        assert metrics[name][design] == getattr(told, name), f"{label} {name}"
    assert metrics["clock_mhz"][design] == pytest.approx(told.fmax_hz / 1e6, rel=1e-9), label


def check_clock(design, metrics, columns, machine):
    cycles, engine = metrics["cycles"][design], machine.engines[0]
    mhz = columns["clock"][design] / 1e6
    assert metrics["latency_us"][design] == pytest.approx(cycles / mhz)
    macs = M * sum(k * n for k, n in zip((K, *WIDTHS[:-1]), WIDTHS, strict=True))
    pes = engine.integer("rows") * engine.integer("cols")
    assert metrics["utilisation"][design] == pytest.approx(macs / (cycles * pes))


def test_rows_do_not_depend_on_each_other_nor_on_the_process(spec, workload, found):
    columns, metrics = found
    evaluation = block_evaluation(workload, spec, [TABLE, TABLES["eyeriss_65nm"]], family=FAMILY)
    order = np.random.default_rng(SEED).permutation(DESIGNS)[: DESIGNS // 2]
    part = {path: column[order] for path, column in columns.items()}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
        some = worker.submit(evaluation.many, part).result()
    for name in evaluation.metrics:
        assert np.array_equal(some[name], metrics[name][order], equal_nan=True), name


def test_designs_that_the_spec_refuses_say_why(spec, workload):
    evaluation = block_evaluation(workload, spec, [TABLE], family=FAMILY)
    found = evaluation.many(
        {
            f"{ENGINE}rows": np.array([8, 8, 16, 300, 8]),
            f"{ENGINE}lanes": np.array([None, 4, 16, None, None], dtype=object),
            f"{PAD}banks": np.array([8, 8, 8, 8, 7]),
        }
    )
    reasons = found[REFUSED].tolist()
    assert reasons[0] is None and reasons[2] is None
    assert "array.lanes: must be at least 8" in reasons[1]
    assert "array.rows: must be a whole number from 1 to 256" in reasons[3]
    assert "scratchpad.capacity: must be banks 7 x word" in reasons[4]
    assert np.isnan(found["lut"][[1, 3, 4]]).all() and np.isfinite(found["lut"][[0, 2]]).all()


def test_a_sweep_tells_why(spec, workload):
    space = Space(
        parameters=(
            Parameter(path=f"{ENGINE}rows", domain=Listed(values=(8, 16))),
            Parameter(path=f"{PAD}banks", domain=Listed(values=(8, 7, 16))),
        )
    )
    goals = Goals(objectives=(Objective(metric="cycles"), Objective(metric="lut")))
    evaluation = block_evaluation(workload, spec, [TABLE], family=FAMILY)
    sweep = Sweep(space=space, goals=goals, evaluation=evaluation)
    result = sweep_blocks(sweep, MemoryLedger(), Crew(start=ThreadPoolExecutor))
    assert [(failed.start, failed.stop) for failed in result.failed] == [(1, 2), (4, 5)]
    assert all("must be banks 7" in failed.error for failed in result.failed)
    alone = measure_one(evaluation, space.design(4))
    assert alone == result.failed[1].error
    assert measure_one(evaluation, space.design(5))["cycles"] > 0


def test_keys_without_effect_are_refused(spec, workload):
    evaluation = block_evaluation(workload, spec, [TABLE], family=FAMILY)
    with pytest.raises(ValueError, match="batch: has no effect"):
        evaluation.many({"verify.batch": np.array([1, 2])})


def test_what_cannot_be_estimated(spec, workload):
    build = partial(block_evaluation, workload, spec, family=FAMILY)
    with pytest.raises(ValueError, match="16-bit MACs"):
        build([TABLES["eyeriss_65nm"]])
    resident = spec.schedule.model_copy(update={"objective": "bytes"})
    with pytest.raises(ValueError, match="streamed"):
        block_evaluation(
            workload, spec.model_copy(update={"schedule": resident}), [TABLE], family=FAMILY
        )


def test_equal_layers_are_counted_once():
    sizes = [(4, 8, 16), (8, 8, 8), (4, 8, 16)]
    layers = [Matmul(name=f"l{i}", M=m, K=k, N=n, repeats=2) for i, (m, k, n) in enumerate(sizes)]
    ops = ops_of(Workload(name="w", layers=tuple(layers)))
    assert ops.M.tolist() == [4, 8] and ops.N.tolist() == [16, 8]
    assert ops.count.tolist() == [4, 2]
