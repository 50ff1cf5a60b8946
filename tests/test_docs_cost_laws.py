"""The worked examples of docs/cost-laws.md: every number in them, and once against the Verilog."""

import re
from pathlib import Path

import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dse.estimate import estimate
from tilewright.dse.timing import network
from tilewright.hw.systolic import cost, law, mapping
from tilewright.hw.systolic.params import SystolicParams, engine_params

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

PAGE = (Path(__file__).parents[1] / "docs" / "cost-laws.md").read_text(encoding="utf-8")
KERNEL = SystolicParams(rows=4, cols=4, lanes=4, output="raw")
MACHINE = systolic_machine(
    rows=4, cols=4, lanes=4, scratchpad_bytes=4096, banks=8, bytes_per_cycle=4
)
GRAPH = matmul_graph(4, 8, 4, seed=1)


def test_the_kernel_by_hand() -> None:
    loops = mapping.tile_loops(KERNEL, 4, 8, 4)
    told = re.search(r"first transfer to the last, both counted: \*\*(\d+)\*\*", PAGE)
    assert told and int(told[1]) == law.kernel_cycles(KERNEL, [loops])
    first = cost.first_output_cycles(KERNEL)
    assert f"`block_cycles` = {cost.block_cycles(KERNEL)}, `first_output_cycles` = {first}" in PAGE
    cycles = [int(n) for n in re.findall(r"^\| [^|]+ \| (\d+) \| ", PAGE, re.MULTILINE)]
    assert cycles == [3, 4, 8, 8 + first, 8 + first + 3]
    assert cycles[-1] + 1 == law.kernel_cycles(KERNEL, [loops])


def test_the_accelerator_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    create = network.Channel.__init__

    def remember(channel: network.Channel, **values: object) -> None:
        create(channel, **values)  # type: ignore[arg-type]
        made[channel.name] = channel

    monkeypatch.setattr(network.Channel, "__init__", remember)
    _, program = compile_graph(GRAPH, MACHINE)
    cycles = estimate(program, MACHINE).cycles
    assert f"**{cycles}** cycles, counting cycle 0. The simulated Verilog takes {cycles}." in PAGE
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| ([\d, ]+) \| ", PAGE, re.MULTILINE)
    assert len(rows) >= 10
    for name, numbers in rows:
        assert [int(n) for n in numbers.split(",")] == made[name].times, name
    params = engine_params(MACHINE.engines[0].params, bound_bits=1)
    assert f"first_output_cycles = {cost.first_output_cycles(params)} " in PAGE
    assert f"release_cycles = {cost.release_cycles(params)}," in PAGE


def test_the_program_is_the_compiler_s() -> None:
    _, program = compile_graph(GRAPH, MACHINE)
    page = [line.strip() for line in PAGE.splitlines()]
    for line in str(program).splitlines()[1:]:
        command = line.strip()
        assert command in program.units or any(told.endswith(command) for told in page), command


@pytest.mark.slow
def test_the_verilog_takes_as_long(tmp_path: Path) -> None:
    from tilewright.flow.programmable import make_programmable, run_graphs

    batch = run_graphs(make_programmable(MACHINE), [GRAPH], tmp_path)
    assert batch.is_right, batch.result.run.explain()
    assert batch.runs[0].cycles == batch.runs[0].estimate.cycles
