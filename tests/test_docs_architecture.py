"""Tables of docs/architecture.md against the code: fields, tokens, units, files, template parts."""

import dataclasses
import re
from pathlib import Path

import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.machine import Engine, Machine, Memory, Scratchpad
from tilewright.dataflow.manifest import File, Manifest, ModelPort, Port, Register
from tilewright.dataflow.plan import (
    BankRange,
    Certificate,
    MemoryTensor,
    Plan,
    Residency,
    Transfer,
)
from tilewright.dataflow.planning.checker import Traffic
from tilewright.dataflow.planning.memory_plan import MemoryPlan, Residence, Store
from tilewright.dataflow.planning.planned import Planned
from tilewright.dataflow.planning.problem import Item, Problem, Step
from tilewright.dataflow.program import Command, Loop, Program, Signal, Token, Wait
from tilewright.dataflow.sparse.matrix import SparseMatrix
from tilewright.dataflow.task import Region, Task
from tilewright.dse.estimate import Estimate
from tilewright.hw import unit_params
from tilewright.hw.hardware_config import UNITS, HardwareConfig, TokenWire, UnitConfig
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS

from tilewright.build.accelerator_files import write_design
from tilewright.catalog import PARTS, load_spec
from tilewright.flow.design import Design, make_design
from tilewright.flow.simulation import STALL_PATTERNS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOCUMENTED = (
    Tensor, Op, Graph, Imported, Machine, Task, Plan, Planned, MemoryPlan, Command, Program,
    HardwareConfig, Estimate, Manifest, SparseMatrix,
)  # fmt: skip
IN_A_LINE = (
    Engine, Scratchpad, Memory, Region, BankRange, Residency, Transfer, MemoryTensor, Certificate,
    Loop, Wait, Signal, Token, UnitConfig, TokenWire,
    File, Port, Register, ModelPort, Problem, Item, Step, Traffic, Residence, Store,
)  # fmt: skip


def section(title: str) -> str:
    """The text under a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """The names in backticks of each row's first cell."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


@pytest.mark.parametrize("cls", DOCUMENTED, ids=lambda cls: cls.__name__)
def test_a_table_has_all_fields_in_order(cls: type) -> None:
    assert first_cells(section(f"`{cls.__name__}`")) == names(cls)


@pytest.mark.parametrize("cls", IN_A_LINE, ids=lambda cls: cls.__name__)
def test_a_short_form_has_all_fields(cls: type) -> None:
    found = re.search(rf"`{cls.__name__}\(([a-z0-9_, ]+)\)`", PAGE)
    assert found, f"{cls.__name__} is not on the page"
    assert found[1].split(", ") == names(cls)


@pytest.fixture(scope="module")
def design() -> Design:
    return make_design(load_spec(ROOT / "examples" / "digits_mlp.yaml"), batch=100)


def test_tokens_and_their_units(design: Design) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ([\w.]+) \| ", PAGE, re.MULTILINE)
    told = {name: (producer, consumer) for name, producer, consumer in rows}
    assert told == {t.name: (t.producer, t.consumer) for t in design.program.tokens}


def test_units_in_the_order_of_the_program_window() -> None:
    assert f"(order: {', '.join(UNITS)})" in PAGE


def test_limits_of_programmable_accelerators() -> None:
    text = " ".join(PAGE.split())
    loops = unit_params.PROGRAMMABLE_LOOPS
    numbers = " / ".join(str(n) for n in loops.values())
    assert f"{numbers} loops for {', '.join(loops)})" in text
    assert f"and {PROGRAMMABLE_ROWS} commands of each unit fit" in text
    bits = unit_params.PROGRAMMABLE_BOUND_BITS
    assert bits == unit_params.PROGRAMMABLE_RUN_BITS
    words = unit_params.PROGRAMMABLE_MEMORY_ADDRESS_BITS
    assert f"bounds and runs of {bits} bits, memory word addresses of {words}," in text


def test_parts_of_a_template() -> None:
    told = first_cells(section("11. How to add a template"))
    assert told == ["name", "summary", *PARTS]


def test_files_of_a_result(design: Design, tmp_path: Path) -> None:
    write_design(design, tmp_path, verilog="")
    told = {
        name.replace("NAME", design.name) for name in first_cells(section("8. The output folder"))
    }
    made = {path.name for path in tmp_path.iterdir()}
    assert made <= told, f"not on the page: {sorted(made - told)}"
    later = {"manifest.json", "report.json", "report.md", "outputs.npz", "simulation/"}
    later |= {f"stalled_{number}/" for number in range(len(STALL_PATTERNS))}
    assert told - made == later | {"program.writes"}
