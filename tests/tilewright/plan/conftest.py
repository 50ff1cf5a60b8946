"""A little graph to plan, and what the command says of it as JSON."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tilewright import cli


def make_skip_graph(**names: str) -> dict[str, Any]:
    """A is needed at both ends; between them `wide` needs 30 bytes beside it.

    At 30 bytes, the least that works, A must leave and come back: 20 bytes, whatever the order.
    """
    sizes = {"A": 10, "B": 10, "C": 20, "D": 10, "E": 10}
    tensors = [
        {"id": place, "bytes": size, "name": names.get(name, name)}
        for place, (name, size) in enumerate(sizes.items())
    ]
    wiring = {"first": ([], 0), "next": ([0], 1), "wide": ([1], 2), "thin": ([2], 3)}
    wiring["join"] = ([0, 3], 4)
    ops = [
        {"id": i, "name": names.get(name, name), "inputs": reads, "outputs": [made],
         "weight_bytes": 3 if name == "wide" else 0}
        for i, (name, (reads, made)) in enumerate(wiring.items())
    ]  # fmt: skip
    return {"name": names.get("graph", "skip"), "tensors": tensors, "ops": ops}


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "skip.json"
    path.write_text(json.dumps(make_skip_graph()))
    return path


def run_plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What `tilewright plan ... --json` prints."""
    assert cli.main(["plan", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    data: dict[str, Any] = json.loads(out)
    assert data["ok"] is True
    return data


@pytest.fixture
def skip_graph() -> Callable[..., dict[str, Any]]:
    """The function `make_skip_graph`."""
    return make_skip_graph


@pytest.fixture
def planned_json(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """`planned_json("skip.json", ...)`: what `tilewright plan ... --json` prints."""
    return partial(run_plan, capsys)
