"""docs/models.md against the code: the table of operators, its columns and the formats."""

import contextlib
import re
from pathlib import Path

import pytest
from tilewright.dataflow.importers import onnx_model, tflite_model
from tilewright.dataflow.importers.onnx_checks import MAX_NODES
from tilewright.dataflow.importers.onnx_file import MAX_FILE_BYTES
from tilewright.dataflow.importers.onnx_nodes.registry import known_domains, supported_operators
from tilewright.dataflow.operators import KINDS
from tilewright.sim.golden.ops import KINDS as GOLDEN
from tilewright.sim.onnx_node_tests import node_tests

from tilewright.flow import import_table
from tilewright.flow.support import ENGINE_KINDS, NOT_YET
from tilewright.spec import SpecError

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
MADE_BY_US = {"table", "threshold", "requantize"}


def rows() -> dict[str, list[str]]:
    """Cells of the table of operators by kind."""
    section = PAGE.partition("\n## Operators\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def listed(column: int) -> list[str]:
    return [name for row in rows().values() for name in row[column].split(", ") if name]


def test_every_kind_has_one_row() -> None:
    assert sorted(rows()) == sorted(KINDS)


def test_every_operator_of_onnx_is_on_the_page_and_no_other() -> None:
    assert onnx_model.families
    known = {name for domain in known_domains() for name in supported_operators(domain)}
    after = PAGE.partition("\n| `gather`")[2].partition("\n\n")[2].partition("\n\n")[0]
    elsewhere = set(re.findall(r"`([A-Z]\w+)`", after))
    told = set(listed(0))
    assert told | elsewhere == known
    assert not told & elsewhere
    assert len(listed(0)) == len(told), "an operator stands in two rows"


def test_every_operator_of_tflite_is_on_the_page_and_no_other() -> None:
    assert sorted(listed(1)) == sorted(tflite_model.CONVERTERS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_is_in_integers_has_a_golden_model(kind: str) -> None:
    words = rows()[kind][2]
    named = re.findall(r"`(\w+)`", words)
    assert set(named) <= set(GOLDEN), words
    assert (kind in named) == (kind in GOLDEN), words
    assert named or words, kind


def test_only_our_own_kinds_come_from_no_file() -> None:
    assert {kind for kind, row in rows().items() if not row[0] and not row[1]} == MADE_BY_US


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_hardware_runs(kind: str) -> None:
    assert rows()[kind][3] == ("yes" if kind in ENGINE_KINDS else NOT_YET)


def test_columns_of_the_table_of_import() -> None:
    section = PAGE.partition("| column | meaning |")[2].partition("\n\n")[0]
    told = [name for line in section.splitlines() for name in re.findall(r"`([\w ]+)`", line[:40])]
    assert told[: len(import_table.HEADS)] == [head.head for head in import_table.HEADS]
    assert f"Terminals of {import_table.OPERAND_COLUMNS} columns" in PAGE
    assert f"those of {import_table.ORIGIN_COLUMNS} the first node" in PAGE
    assert f"below {import_table.KIND_COLUMNS} the kind" in PAGE


def test_limits_of_files() -> None:
    assert f"at most {MAX_FILE_BYTES >> 20} MiB and {MAX_NODES:,} nodes" in PAGE


def test_the_readme_counts_the_kinds() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{len(KINDS)} kinds of op" in readme


@pytest.fixture(scope="module")
def kinds_of() -> dict[str, set[str]]:
    """Kinds of op that the onnx package's own single-operator models become, by operator."""
    found: dict[str, set[str]] = {}
    for case in node_tests():
        with contextlib.suppress(SpecError):
            graph = onnx_model.model_graph(case.model, Path(case.name), None)
            found.setdefault(case.operator, set()).update(op.kind for op in graph.ops)
    return found


def test_operators_of_onnx_become_the_kind_of_their_row(kinds_of: dict[str, set[str]]) -> None:
    pairs = [(name, kind) for kind, row in rows().items() for name in row[0].split(", ") if name]
    untold = {"Max", "Min"}  # the package has none with a constant
    checked = [(name, kind) for name, kind in pairs if name in set(kinds_of) - untold]
    wrong = [(name, kind) for name, kind in checked if kind not in kinds_of[name]]
    assert not wrong, {name: kinds_of[name] for name, _ in wrong}
    assert len(checked) > 40, checked
