"""Rows of the explorer's benchmark on the vectorised estimate and on cycles of layers."""

import configparser
import dataclasses
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from tilewright.build.process import ProcessError


@pytest.fixture
def exploration(benchmark_module: Callable[[str], ModuleType]) -> Callable[[str], ModuleType]:
    """Parts of the benchmark by name."""
    return lambda name: benchmark_module(f"parts.{name}")


def test_designs_are_distinct_and_spread(exploration) -> None:
    rows = exploration("estimate_rows")
    space = rows.space()
    assert space.size >= rows.DESIGNS
    blocks = list(rows.blocks_of(space, 500))
    columns = {path: np.concatenate([block[path] for block in blocks]) for path in blocks[0]}
    designs = set(zip(*(column.tolist() for column in columns.values()), strict=True))
    assert len(designs) == 500
    assert all(len(set(column.tolist())) > 1 for column in columns.values())


def test_errors_of_a_small_chain(exploration, monkeypatch) -> None:
    errors = exploration("estimate_errors")
    *_, chains = errors._kinds()
    small = dataclasses.replace(chains, chains=[(9, 30, [20, 8])])
    monkeypatch.setattr(errors, "_kinds", lambda: [small])
    rows = {row["case"].removeprefix("estimate_error_percent_"): row for row in errors.error_rows()}
    assert 0 < rows["chains"]["value"] <= rows["chains_worst"]["value"] < 30
    assert rows["chains"]["goal"] == chains.told.mean_percent
    assert rows["chains"]["designs"] == sum(
        row["designs"] for name, row in rows.items() if name.endswith("stationary")
    )


def test_without_the_peers_a_row_says_why(exploration, monkeypatch, tmp_path) -> None:
    rows = exploration("cycle_rows")

    def fail(folder):
        raise ProcessError("pip ended with code 1", argv=["pip"])

    monkeypatch.setattr(rows, "install", fail)
    monkeypatch.setattr(rows, "_ours", lambda: {("output_stationary", "kws_first"): (7, 9)})
    first, last = rows.cycle_rows(True, tmp_path)
    assert first["value"] == 2 and first["goal"] == 0 and first["product"] == "125x40x64"
    assert last["skipped"] == "pip ended with code 1"


def test_the_peer_is_asked_for_the_same_array(exploration) -> None:
    tools = exploration("peer_tools")
    config = configparser.ConfigParser()
    config.read_string(tools.CONFIG.format(rows=8, cols=4, dataflow="ws"))
    array = config["architecture_presets"]
    assert (array["ArrayHeight"], array["ArrayWidth"], array["Dataflow"]) == ("8", "4", "ws")
