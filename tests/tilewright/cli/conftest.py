"""A flow that remembers its calls, a little spec, and a float model with its data."""

import shutil
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tilewright.build.doctor

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
GOOD_SPEC = """\
tilewright: 1
name: little
kernel:
  template: systolic
  rows: 4
  cols: 4
  dataflow: output_stationary
"""


@dataclass(frozen=True)
class FakeResult:
    """What a flow answers."""

    ok: bool = True

    def table(self) -> str:
        return "images right  97 of 100"

    def to_json(self) -> dict[str, Any]:
        return {"cycles": 123}


class FakeFlow(types.ModuleType):
    """Stands for `tilewright.flow`: remembers its calls, returns or raises what it was told."""

    result = FakeResult

    def __init__(self) -> None:
        super().__init__("tilewright.flow")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.answer: FakeResult | BaseException = FakeResult()
        for name in ("estimate", "generate", "verify", "run", "report"):
            setattr(self, name, self._call(name))

    def _call(self, name: str) -> Any:
        def call(*arguments: Any, progress: Any = None, **options: Any) -> FakeResult:
            self.calls.append((name, arguments, options))
            if progress is not None:
                progress(f"{name}: a stage")
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

        return call


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> FakeFlow:
    fake = FakeFlow()
    monkeypatch.setitem(sys.modules, "tilewright.flow", fake)
    monkeypatch.setattr("tilewright.flow", fake, raising=False)
    monkeypatch.setattr(tilewright.build.doctor, "check_tools", lambda for_="verify": [])
    return fake


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "little.yaml"
    path.write_text(GOOD_SPEC)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The float example and its data, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "digits_cnn.onnx", tmp_path / "cnn.onnx")
    shutil.copy(EXAMPLES / "digits_cnn_data.npz", tmp_path / "data.npz")
    return tmp_path
