"""Functions of users as objectives of a workload: called for each design after the estimate."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from test_sweep_sources import swept
from test_sweep_workload import spec_in

from tilewright.catalog import load_spec
from tilewright.flow.sweep.set_up import set_up

ROWS = "accelerator.engines.array.rows"
pytestmark = pytest.mark.usefixtures("functions")


def test_a_function_sees_metrics_and_parameters(tmp_path: Path) -> None:
    path = spec_in(tmp_path, objectives="[{function: cost, goal: max}, cycles]")
    file = swept(path, tmp_path / "out").file
    columns = file.columns
    assert len(columns["cost"]) == file.coverage.num_evaluated == 90
    for row, cost in enumerate(columns["cost"]):
        assert cost == columns["lut"][row] * columns["cycles"][row] + columns[ROWS][row]
    assert file.objectives[0].direction == "max"
    assert file.metrics["cost"].provenance == "function objective_functions:cost"
    assert file.context["objective cost"] == "objective_functions:cost"
    assert (tmp_path / "out/points").is_dir()


def test_what_it_raises_is_the_designs_failure(tmp_path: Path) -> None:
    path = spec_in(tmp_path, objectives="[cycles, {function: raises}]")
    path.write_text(path.read_text().replace("rows: {start: 4", "rows: {start: 2"))
    file = swept(path, tmp_path / "out").file
    assert 2 not in set(file.columns[ROWS])
    assert 4 in set(file.columns[ROWS])
    told = {failed.error for failed in file.failures}
    assert "ArithmeticError: nobody builds two rows (objective_functions.py:12)" in told


def test_what_is_no_number_is_told(tmp_path: Path) -> None:
    path = spec_in(tmp_path, objectives="[cycles, {function: text}]")
    outcome = swept(path, tmp_path / "out")
    assert not outcome.ok
    assert "text is not a number, got str" in outcome.table()


def test_it_can_be_sent_to_workers(tmp_path: Path) -> None:
    """The evaluation; the function itself is looked up there."""
    evaluation = set_up(load_spec(spec_in(tmp_path, objectives="[{function: cost}]"))).sweep
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
        assert worker.submit(len, evaluation.evaluation.metrics).result() == 11
        assert worker.submit(repr, evaluation.evaluation.many.functions).result() == "('cost',)"


def test_a_search_calls_it_too(tmp_path: Path) -> None:
    more = "search: {sampler: random, budget: 9}"
    path = spec_in(tmp_path, objectives="[{function: cost}]", more=more)
    file = swept(path, tmp_path / "out").file
    assert file.coverage.num_evaluated == len(file.columns["cost"]) > 0
