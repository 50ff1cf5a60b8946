"""Stalls, back-to-back starts, bases, resets, interrupts: results right whatever the host does."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.memory_map import read_activations
from tilewright.dataflow.program import Program
from tilewright.hw.unit_params import TOKEN_BITS

from tilewright.build.accelerator_run import MemoryTiming, hex_text, read_hex
from tilewright.build.simulate import run_bench
from tilewright.flow.programmable import run_graphs
from tilewright.flow.work import prepare
from tilewright.workloads import matmul_graph

pytestmark = pytest.mark.simulator

HERE = Path(__file__).parent
# The arrays of the test of shapes: their simulator programs are in the cache.
SIZES = {
    "output_stationary": {"rows": 4, "cols": 4, "lanes": 16, "scratchpad_bytes": 8 * 16 * 16},
    "weight_stationary": {"rows": 4, "cols": 4, "lanes": 16, "scratchpad_bytes": 8 * 8 * 16},
}
NUM_CONTROL_TESTS = 7


def made(accelerator: Any, dataflow: str) -> Any:
    return accelerator(dataflow=dataflow, banks=8, **SIZES[dataflow])


@pytest.mark.parametrize("dataflow", SIZES)
@pytest.mark.parametrize("stall", [64, 128, 200])
def test_right_under_random_stalls(
    accelerator: Any, random_works: Any, run_folder: Path, dataflow: str, stall: int
) -> None:
    """Every AXI channel pauses at random; a stalled run is never shorter than the estimate."""
    array = made(accelerator, dataflow)
    for seed, latency in ((1, 40), (2, 1), (3, 100)):
        timing = MemoryTiming(latency_cycles=latency, stall=stall, seed=seed)
        works = random_works(array.machine, 6, seed=stall + seed)
        batch = run_graphs(array, works, run_folder / str(seed), timing=timing, seed=seed)
        told = f"stall {stall}, seed {seed}, latency {latency}: {batch.result.run.explain()}"
        assert batch.is_right, told
        for run in batch.runs:
            assert run.bytes_read + run.bytes_written == run.work.plan.certificate.bytes, told
            if latency == array.machine.memory.latency_cycles:
                assert run.cycles > run.estimate.cycles, f"{run.name}: no stall was felt; {told}"


@pytest.mark.parametrize("dataflow", SIZES)
def test_image_anywhere_in_memory(accelerator: Any, run_folder: Path, dataflow: str) -> None:
    """The base is a multiple of the word's bytes, not of a page: bursts are cut elsewhere."""
    array = made(accelerator, dataflow)
    for base in (4096, 5 * 4096 + 16, 0x4_0000 - 48):
        graphs = [matmul_graph(m, 40, [30, 9], seed=m) for m in (3, 8)]
        batch = run_graphs(array, graphs, run_folder / str(base), base_bytes=base)
        assert batch.is_right, f"base {base:#x}: {batch.result.run.explain()}"
        differences = [run.difference for run in batch.runs]
        assert base % 4096 or not any(differences), f"base {base:#x}: {differences}"


def without_waiting(program: Program, token: str) -> Program:
    """Nobody takes the token, of which there are as many as its counter can hold."""
    units = {
        unit: tuple(
            replace(command, waits=tuple(w for w in command.waits if w.token != token))
            for command in commands
        )
        for unit, commands in program.units.items()
    }
    most = (1 << TOKEN_BITS) - 1
    tokens = tuple(
        replace(t, initial=most, maximum=most) if t.name == token else t for t in program.tokens
    )
    return Program(units=units, tokens=tokens)


def test_host_may_do_anything(
    accelerator: Any, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven sequences of register accesses, each ending with a right result."""
    monkeypatch.syspath_prepend(HERE)
    array = made(accelerator, "output_stationary")
    work = prepare(array.machine, matmul_graph(9, 40, [30, 9], seed=5), seed=5)
    assert work.estimate.cycles > 1000
    run_folder.mkdir()
    port_bytes = array.machine.port_bytes
    (run_folder / "image0.hex").write_text(hex_text(work.image, port_bytes))
    job = {
        "seed": 1,
        "registers": array.registers,
        "num_counters": 36,
        "cases": [{"name": "c", "writes": array.program_writes(work.program)}],
        "expected_cycles": work.estimate.cycles,
        "expected_bytes": [
            words * array.machine.word_bytes
            for words in (work.estimate.read_words, work.estimate.written_words)
        ],
        "wrong_program": array.program_writes(without_waiting(work.program, "stored")),
    }
    (run_folder / "job.json").write_text(json.dumps(job))
    last = work.image.size // port_bytes - 1
    plusargs = MemoryTiming().plusargs() | {
        "axi_image": str(run_folder / "image"),
        "axi_dump": str(run_folder / "result"),
        "axi_cases": "1",
        "axi_dump_last": str(last),
    }
    run = run_bench(
        array.build(work.image.size),
        test_module="accelerator_control_bench",
        folder=run_folder,
        environment={"TILEWRIGHT_JOB": str(run_folder)},
        plusargs=plusargs,
    )
    assert run.is_passed, run.explain()
    assert len(run.tests) == NUM_CONTROL_TESTS
    for number in range(NUM_CONTROL_TESTS):
        text = (run_folder / f"result{number}.hex").read_text()
        image = read_hex(text, port_bytes).reshape(work.image.shape)
        for name, wanted in work.expected.items():
            got = read_activations(image, work.graph, work.plan, work.machine, name)
            assert np.array_equal(got, wanted), f"test {number}: {name} is wrong"
