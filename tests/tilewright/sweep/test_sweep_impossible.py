"""Sweeps of a model that no parameter makes possible: told before the first design."""

from pathlib import Path

import pytest

from tilewright import cli
from tilewright.catalog import load_spec

SPEC = """\
tilewright: 1
name: impossible
model: {model}
{head}
accelerator:
  scratchpad: {{capacity: 64KiB, banks: 8}}
  memory: {{bytes_per_cycle: 4, latency_cycles: 12}}
  engines:
    array: {{template: systolic, rows: 4, cols: 4}}
sweep:
  parameters:
    accelerator.engines.array.rows: [2, 4]
    {parameters}
  objectives: [cycles, lut]
  {more}
"""


@pytest.fixture
def spec_of(tmp_path: Path, request: pytest.FixtureRequest):
    def make(model: str, *, head: str = "", parameters: str = "", more: str = "") -> Path:
        path = tmp_path / "impossible.yaml"
        source = request.config.rootpath / "examples" / model
        (tmp_path / model).write_bytes(source.read_bytes())
        path.write_text(SPEC.format(model=model, head=head, parameters=parameters, more=more))
        return path

    return make


@pytest.mark.parametrize("verb", ["check", "sweep"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"more": "workload: model"},
        {"more": "workload: model", "head": "schedule: {objective: bytes}"},
    ],
)
def test_a_model_that_no_engine_runs_is_told_before_the_sweep(
    spec_of, tmp_path: Path, verb: str, changes: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = spec_of("digits_cnn.qdq.onnx", **changes)
    out = ["--out", str(tmp_path / "out")] if verb == "sweep" else []
    assert cli.main([verb, str(path), *out]) == 2
    error = capsys.readouterr().err
    assert "digits_cnn.qdq.onnx: error: node" in error
    assert "no engine runs this kind" in error
    assert not (tmp_path / "out").exists()


def test_a_swept_model_is_each_designs_own(spec_of) -> None:
    parameters = "model: [digits_cnn.qdq.onnx, digits_mlp.qdq.onnx]"
    load_spec(spec_of("digits_cnn.qdq.onnx", parameters=parameters))
