"""A programmable accelerator without counters, with a short address: what its host leaves out."""

from dataclasses import replace
from pathlib import Path

import pytest

from tilewright.flow.programmable import ProgrammableAccelerator, make_programmable, run_graphs
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

ADDRESS_BITS = 22
BASE_BYTES = 0x2000


@pytest.fixture(scope="module")
def small() -> ProgrammableAccelerator:
    machine = systolic_machine(rows=1, cols=2, lanes=4, scratchpad_bytes=2048)
    return make_programmable(machine, rows=16, has_counters=False, address_bits=ADDRESS_BITS)


def test_the_base_is_written_into_the_registers_that_are_there(
    small: ProgrammableAccelerator,
) -> None:
    low = small.registers["memory_base_low"]
    assert small.base_writes(BASE_BYTES) == [(low, BASE_BYTES)]
    with pytest.raises(ValueError, match=f"base_bytes: 0..{(1 << ADDRESS_BITS) - 1}, got"):
        small.base_writes(1 << ADDRESS_BITS)
    axi = replace(small.config.axi, address_bits=64)
    wide = replace(small, config=replace(small.config, axi=axi))
    high = wide.registers["memory_base_high"]
    assert wide.base_writes(3 << 32 | 16) == [(low, 16), (high, 3)]


@pytest.mark.slow
@pytest.mark.simulator
def test_it_runs_a_graph(small: ProgrammableAccelerator, tmp_path: Path) -> None:
    batch = run_graphs(small, [matmul_graph(3, 9, 5, seed=1)], tmp_path, base_bytes=BASE_BYTES)
    assert batch.is_right, batch.result.run.explain()
    assert batch.runs[0].counters == {}
    assert batch.runs[0].difference == 0
