"""`objective: bytes` by the command: plan, spills and bytes in the files and in the verdict."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.serial import from_json

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.flow import accelerator as flow
from tilewright.flow.design import Design, make_design

pytestmark = pytest.mark.simulator

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = """\
tilewright: 1
name: digits_planned
model: digits_mlp.qdq.onnx
accelerator:
  scratchpad: {{capacity: {capacity}, banks: 8}}
  memory: {{bytes_per_cycle: 16, latency_cycles: 40, outstanding: 8}}
  program: {program}
  engines:
    array: {{template: systolic, rows: 8, cols: 8, dataflow: output_stationary}}
schedule: {{objective: {objective}, time_limit: 4s}}
verify:
  inputs: digits_mlp_data.npz
  arrays: {{x: x_test}}
  labels: y_test
  samples: 64
  batch: 64
"""
MakeSpec = Callable[..., Path]


@pytest.fixture
def digits_spec(tmp_path: Path) -> MakeSpec:
    """`digits_spec(capacity=, program=, objective=)`: `digits_mlp` on 64 images at once."""

    def make(**keys: str) -> Path:
        for name in ("digits_mlp.qdq.onnx", "digits_mlp_data.npz"):
            (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
        path = tmp_path / "digits_planned.yaml"
        defaults = {"capacity": "8KiB", "program": "rom", "objective": "bytes"}
        path.write_text(DIGITS.format(**defaults | keys))
        return path

    return make


def check_planned(spec: Path, out: Path) -> dict[str, Any]:
    assert cli.main(["verify", str(spec), "--out", str(out), "-q"]) == 0
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert report["ok"] and report["difference"] == report["bytes_difference"] == 0
    assert report["golden_mismatches"] == report["oracle_mismatches"] == 0
    assert report["stalled_runs"] == 2 and not report["stalled_failures"]
    plan = from_json(Plan, json.loads((out / "plan.json").read_text()))
    words = sum(transfer.words for transfer in (*plan.loads, *plan.stores))
    moved = report["bytes_read"] + report["bytes_written"]
    assert plan.certificate.bytes == 16 * words == moved == report["bytes_planned"]
    return report


def test_digits_in_too_small_a_scratchpad(digits_spec: MakeSpec, tmp_path: Path) -> None:
    """64 images: 8 KiB of activations in and out of the first op alone, 6.5 KiB of weights."""
    spec, out = digits_spec(), tmp_path / "out"
    report = check_planned(spec, out)
    assert report["right"] >= 60, "of 64 images"
    streamed = make_design(load_spec(digits_spec(objective="cycles")), batch=64)  # type: ignore[arg-type]
    assert report["bytes_planned"] < 0.6 * streamed.plan.certificate.bytes
    text = (out / "report.md").read_text()
    assert "| plan |" in text and "for its" in text
    assert "| bytes moved |" in text and ", 0 more than planned |" in text


@pytest.mark.slow
@pytest.mark.parametrize("capacity", ["64KiB", "4KiB"])
@pytest.mark.parametrize("program", ["rom", "ram"])
def test_other_capacities(
    digits_spec: MakeSpec, tmp_path: Path, capacity: str, program: str
) -> None:
    check_planned(digits_spec(capacity=capacity, program=program), tmp_path / "out")


def test_other_bytes_than_planned_fail(
    tiny_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(*arguments: Any, **keys: Any) -> Design:
        design = make_design(*arguments, **keys)
        certificate = dataclasses.replace(
            design.plan.certificate, bytes=design.plan.certificate.bytes - 8
        )
        return dataclasses.replace(
            design, plan=dataclasses.replace(design.plan, certificate=certificate)
        )

    monkeypatch.setattr(flow, "make_design", lying)
    out = tmp_path / "out"
    assert cli.main(["verify", str(tiny_spec()), "--out", str(out), "-q"]) == 1
    report = json.loads((out / "report.json").read_text())
    assert not report["ok"] and report["difference"] == 0
    assert report["bytes_difference"] == 8 * len(report["cycles"])


def test_too_small_a_scratchpad_names_the_least(
    digits_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    spec = digits_spec(capacity="1KiB")
    assert cli.main(["generate", str(spec), "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "least that works is" in told and "for a row tile and its results" in told
    assert not out.exists()
