"""Blocks of designs that the planner schedules: every number is that of each design's program."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dse.block_machines import reader_of
from tilewright.dse.block_parts import AreaModel
from tilewright.dse.block_planned import PlannedEstimate, Scheduled
from tilewright.dse.energy.accelerator import accelerator_energy, moved_by
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.estimate import estimate
from tilewright.dse.sweep_tasks import REFUSED, Refused
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.configure import configure
from tilewright.hw.lib.cell_area import CELLS, cell_area_of, libraries
from tilewright.hw.lib.resources import resources_of

from tilewright.catalog import load_spec
from tilewright.workloads import matmul_graph

SEED, DESIGNS = 11, 24
ENGINE, PAD, MEMORY = "accelerator.engines.array.", "accelerator.scratchpad.", "accelerator.memory."
FAMILY, SECONDS = "ecp5", 60.0
TABLE = TABLES["accelergy_45nm"]
GRAPH = matmul_graph(20, 24, [16, 12], seed=1)
ASKED: Counter[str] = Counter()


def scheduled(machine) -> Scheduled:
    """The graph planned anew; how often each machine is asked for is counted."""
    ASKED[repr(machine)] += 1
    plan, program = compile_graph(GRAPH, machine, "bytes", SECONDS)
    image_bytes = plan.memory_words * machine.word_bytes
    return Scheduled(program=program, macs=GRAPH.macs, image_bytes=image_bytes)


def columns_of(rng):
    return {
        f"{ENGINE}rows": rng.choice([2, 4], DESIGNS),
        f"{ENGINE}cols": rng.choice([2, 4], DESIGNS),
        f"{ENGINE}requantize.mode": rng.choice(np.array(["exact", "fixed"]), DESIGNS),
        f"{PAD}capacity": rng.choice([1 << 9, 1 << 11, 1 << 12], DESIGNS),
        f"{PAD}banks": rng.choice([4, 8], DESIGNS),
        f"{MEMORY}bytes_per_cycle": rng.choice([4, 16, 32], DESIGNS),
        f"{MEMORY}latency_cycles": rng.choice([10, 40], DESIGNS),
        f"{MEMORY}outstanding": rng.choice([2, 8], DESIGNS),
        f"{MEMORY}address_bits": rng.choice([12, 32], DESIGNS),
        "accelerator.counters": rng.choice([True, False], DESIGNS),
        "clock": rng.choice([25_000_000, 100_000_000], DESIGNS),
    }


@pytest.fixture(scope="module")
def spec(request):
    return load_spec(request.config.rootpath / "examples" / "digits_mlp.yaml")


@pytest.fixture(scope="module")
def planned(spec) -> PlannedEstimate:
    return PlannedEstimate(
        reader=reader_of(spec, is_planned=True),
        schedule=scheduled,
        tables=(TABLE, TABLES["eyeriss_65nm"]),
        family=FAMILY,
        area=AreaModel(library=libraries()[0], memory_um2_per_bit=2.0, memory_source="a test"),
    )


@pytest.fixture(scope="module")
def found(planned):
    columns = columns_of(np.random.default_rng(SEED))
    return columns, planned(columns)


def test_numbers_are_those_of_each_design(spec, found) -> None:
    columns, told = found
    machines = reader_of(spec, is_planned=True).machines(columns, DESIGNS)
    good, reasons = 0, []
    for design in range(DESIGNS):
        machine = machine_of_section(machines.section(design))
        label = f"seed {SEED} design {design}: {machine}"
        try:
            plan, program = compile_graph(GRAPH, machine, "bytes", SECONDS)
        except DoesNotFit as error:
            reasons.append((told[REFUSED][design], str(error)))
            continue
        if plan.memory_words * machine.word_bytes > 1 << columns[f"{MEMORY}address_bits"][design]:
            assert "memory.address_bits 12 reach 4,096" in told[REFUSED][design], label
            continue
        assert told[REFUSED][design] is None, label
        expected = expected_numbers(machine, program, columns, design)
        assert {name: told[name][design] for name in expected} == expected, label
        good += 1
    assert all(found == expected for found, expected in reasons)
    assert reasons
    assert good > DESIGNS // 4
    assert good < DESIGNS


def expected_numbers(machine, program, columns, design):
    exact = estimate(program, machine)
    moved_bytes = (exact.read_words + exact.written_words) * machine.word_bytes
    products = exact.steps * exact.macs_per_cycle
    moved = moved_by(program, machine, products=products, bytes_off_chip=moved_bytes)
    config = configure(
        machine,
        program,
        name="one",
        has_counters=bool(columns["accelerator.counters"][design]),
        address_bits=int(columns[f"{MEMORY}address_bits"][design]),
    )
    resources = resources_of(accelerator_structure(config, FAMILY))
    area = cell_area_of(accelerator_structure(config, CELLS), libraries()[0])
    assert area is not None
    assert resources.fmax_hz is not None
    return {
        "cycles": exact.cycles,
        "bytes_off_chip": moved_bytes,
        "utilisation": exact.utilisation(GRAPH.macs),
        "energy_uj": float(accelerator_energy(TABLE, moved).total) / 1e6,
        "latency_us": exact.cycles / (columns["clock"][design] / 1e6),
        "area_um2": area.with_memories(2.0),
        "clock_mhz": resources.fmax_hz / 1e6,
        **{name: getattr(resources, name) for name in ("lut", "ff", "dsp", "ram_blocks")},
    }


def test_a_plan_is_made_once_for_all_that_share_it(spec, planned, found) -> None:
    columns, told = found
    assert not [machine for machine, times in ASKED.items() if times > 1]
    before = sum(ASKED.values())
    assert before < DESIGNS
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as workers:
        again = workers.submit(planned, columns).result()
    for name, values in told.items():
        assert np.array_equal(values, again[name], equal_nan=name != REFUSED), name
    for design in range(DESIGNS):
        one = {path: column[design].item() for path, column in columns.items()}
        if told[REFUSED][design] is None:
            assert planned.one(one) == {name: told[name][design] for name in planned.metrics}
        else:
            with pytest.raises(Refused):
                planned.one(one)
    assert sum(ASKED.values()) == before, "all of it was remembered"


def test_keys_that_are_not_read_are_refused(planned) -> None:
    with pytest.raises(ValueError, match=r"accelerator\.program: has no effect"):
        planned({"accelerator.program": np.array(["ram"])})
