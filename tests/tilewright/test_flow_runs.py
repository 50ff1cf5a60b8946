"""`verify`, `run` and `report` on accelerators: whole runs of the command, good and bad."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tilewright.sim.golden.oracle import integer_session

from tilewright import cli
from tilewright.flow import simulation

pytestmark = pytest.mark.simulator

EXAMPLES = Path(__file__).parents[2] / "examples"
MakeSpec = Callable[..., Path]
NARROW = {"lanes": 6, "rows": 3, "bytes_per_cycle": 4}
"""Words of 6 bytes lie in 8 bytes of memory, which take two beats."""


def oracle(model: Path, arrays: dict[str, Any]) -> Any:
    """What onnxruntime's integer kernels give."""
    session = integer_session(model.read_bytes())
    return session.run(None, arrays)[0]


def verify(spec: Path, out: Path, *more: str) -> dict[str, Any]:
    """A run that must pass; its report."""
    assert cli.main(["verify", str(spec), "--out", str(out), *more, "-q"]) == 0
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert report["ok"] and report["difference"] == 0
    assert report["golden_mismatches"] == report["oracle_mismatches"] == 0
    return report


@pytest.mark.parametrize(("samples", "starts"), [(1, 1), (11, 3)])
def test_samples_need_not_fill_the_last_start(
    tiny_spec: MakeSpec, tmp_path: Path, samples: int, starts: int
) -> None:
    spec = tiny_spec()
    report = verify(spec, tmp_path / "out", "--samples", str(samples))
    assert report["samples_run"] == samples and report["values"] == 3 * samples
    assert len(report["cycles"]) == starts
    assert len(set(report["cycles"])) == 1, "every start takes the same time"
    x = np.load(spec.parent / "tiny.npz")["x"][:samples]
    got = np.load(tmp_path / "out" / "outputs.npz")["y"]
    assert np.array_equal(got, oracle(spec.parent / "tiny.onnx", {"x": x}))


def test_program_in_ram_with_a_narrow_port(tiny_spec: MakeSpec, tmp_path: Path) -> None:
    """Several starts, one program: it stays loaded. Two beats make a word."""
    report = verify(tiny_spec(**NARROW, program="ram"), tmp_path / "out", "--samples", "11")
    assert len(report["cycles"]) == 3
    assert (tmp_path / "out" / "program.writes").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("program", ["rom", "ram"])
@pytest.mark.parametrize("dataflow", ["output_stationary", "weight_stationary"])
def test_programs_and_dataflows(
    tiny_spec: MakeSpec, tmp_path: Path, program: str, dataflow: str
) -> None:
    for number, sizes in enumerate(({}, NARROW, {"cols": 4, "latency": 1})):
        spec = tiny_spec(**sizes, program=program, dataflow=dataflow)
        verify(spec, tmp_path / f"out{number}", "--samples", "11")


def test_the_example_in_several_starts(tmp_path: Path) -> None:
    report = verify(EXAMPLES / "digits_mlp.yaml", tmp_path / "out", "--samples", "230")
    assert report["samples_run"] == 230 and len(report["cycles"]) == 3
    assert report["right"] >= 220, "of 230 images"


@pytest.mark.slow
def test_the_example_with_its_program_in_ram(tmp_path: Path) -> None:
    for path in EXAMPLES.glob("digits_mlp*"):
        shutil.copy(path, tmp_path)
    spec = tmp_path / "digits_mlp.yaml"
    text = spec.read_text()
    assert "program: rom" in text
    rom = verify(spec, tmp_path / "rom", "--samples", "540")
    spec.write_text(text.replace("program: rom", "program: ram"))
    ram = verify(spec, tmp_path / "ram", "--samples", "540")
    assert rom["cycles"] == ram["cycles"] and rom["right"] == ram["right"]


def test_run_gives_what_onnxruntime_gives(tiny_spec: MakeSpec, tmp_path: Path) -> None:
    spec = tiny_spec()
    x = np.random.default_rng(2).normal(0, 5, (7, 5)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x=x)
    out = tmp_path / "out"
    assert (
        cli.main(["run", str(spec), "--inputs", str(tmp_path / "mine.npz"), "--out", str(out)]) == 0
    )
    with np.load(out / "outputs.npz") as outputs:
        assert outputs.files == ["y"]
        assert outputs["y"].dtype == np.float32
        assert np.array_equal(outputs["y"], oracle(spec.parent / "tiny.onnx", {"x": x}))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"z": np.zeros((3, 5), "f4")}, "no array 'x'"),
        ({"x": np.zeros((3, 6), "f4")}, "must be numbers [samples][5], got float32 [3, 6]"),
        ({"x": np.zeros((3, 5, 1), "f4")}, "must be numbers"),
        ({"x": np.zeros((0, 5), "f4")}, "must be numbers"),
        ({"x": np.array([["a"] * 5])}, "must be numbers"),
        ({"x": np.array(3.0)}, "must be numbers"),
        ({"x": np.zeros((3, 5), complex)}, "must be numbers"),
        ({"x": np.array([[None] * 5])}, "cannot be read as .npz"),
        ({"x": np.full((3, 5), np.nan, "f4")}, "finite"),
        ({"x": np.full((3, 5), np.inf, "f4")}, "finite"),
        ({}, "no array 'x'"),
    ],
)
def test_wrong_arrays_are_code_2(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arrays: dict[str, Any],
    words: str,
) -> None:
    path, out = tmp_path / "mine.npz", tmp_path / "out"
    np.savez(path, **arrays)
    assert cli.main(["run", str(tiny_spec()), "--inputs", str(path), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert str(path) in captured.err and words in captured.err, captured.err
    assert not captured.out and not out.exists()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_files_that_are_no_arrays_are_code_2(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
) -> None:
    path = tmp_path / "mine.npz"
    if content is not None:
        path.write_bytes(content)
    assert (
        cli.main(["run", str(tiny_spec()), "--inputs", str(path), "--out", str(tmp_path / "o")])
        == 2
    )
    assert str(path) in capsys.readouterr().err


def test_more_samples_than_there_are_is_code_2(
    tiny_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert cli.main(["verify", str(tiny_spec()), "--samples", "12", *out]) == 2
    assert "12 samples are asked for, it has 11" in capsys.readouterr().err


@pytest.fixture(scope="module")
def finished() -> list[Path]:
    """A good result, once it was made."""
    return []


@pytest.fixture
def result(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    finished: list[Path],
) -> Path:
    """A copy of a good result."""
    if not finished:
        folder = tmp_path_factory.mktemp("finished") / "out"
        verify(tiny_spec(), folder)
        capsys.readouterr()
        finished.append(folder)
    return Path(shutil.copytree(finished[0], tmp_path / "out"))


def test_report_says_the_same_again(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(result)]) == 0
    text = capsys.readouterr().out
    assert "PASSED" in text and "mismatches, golden" in text
    assert cli.main(["--json", "report", str(result)]) == 0
    report = json.loads((result / "report.json").read_text())
    assert json.loads(capsys.readouterr().out) == report


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny.v", "changed: tiny.v"),
        ("report.json", "changed: report.json"),
        ("memory.hex", "changed: memory.hex"),
        ("simulation/result0.hex", "changed: simulation/result0.hex"),
        ("added.txt", "not listed: added.txt"),
    ],
)
def test_report_refuses_what_was_changed(
    result: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    with (result / name).open("a") as file:
        file.write("\n")
    assert cli.main(["report", str(result)]) == 1
    captured = capsys.readouterr()
    assert words in captured.err and not captured.out


def test_report_refuses_what_is_missing(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (result / "plan.json").unlink()
    assert cli.main(["report", str(result)]) == 1
    assert "missing: plan.json" in capsys.readouterr().err
    (result / "manifest.json").unlink()
    assert cli.main(["report", str(result)]) == 1
    assert "not a finished result" in capsys.readouterr().err


def test_a_failed_run_can_be_repeated_wherever_it_lies(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(simulation, "LIMIT_FACTOR", 0)
    monkeypatch.setattr(simulation, "LIMIT_SLACK_CYCLES", 50)
    out = tmp_path / "it's out"
    assert cli.main(["verify", str(tiny_spec()), "--out", str(out)]) == 1
    text = capsys.readouterr().out
    assert "no interrupt within 50 cycles" in text
    (line,) = [line for line in text.splitlines() if line.strip().startswith("repeat: sh ")]
    moved = tmp_path / "moved"
    shutil.copytree(out, moved)
    scripts = (
        line.strip().removeprefix("repeat: "),
        shlex.join(["sh", str(moved / "simulation/repeat.sh")]),
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for script in scripts:
        again = subprocess.run(
            shlex.split(script), capture_output=True, text=True, check=False, timeout=60
        )
        assert again.returncode == 1, again.stdout + again.stderr
        assert "no interrupt within 50 cycles" in again.stdout
    for folder in (out, moved):  # repeating changes nothing of what was found
        assert cli.main(["report", str(folder)]) == 1
        assert "FAILED" in capsys.readouterr().out
    partial = [path for path in out.rglob("*") if path.suffix in (".sh", ".json", ".md")]
    assert not [path for path in partial if ".partial-" in path.read_text()]


def test_a_good_run_repeats_well(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(result.parent))
    script = shlex.split(json.loads((result / "report.json").read_text())["repeat"])
    assert script[0] == "sh"
    script[1] = str(result / "simulation" / "repeat.sh")
    again = subprocess.run(script, capture_output=True, text=True, check=False, timeout=60)
    assert again.returncode == 0, again.stdout + again.stderr
    (folder,) = result.parent.glob("tilewright-repeat-*")
    first = (result / "simulation" / "result0.hex").read_bytes()
    assert (folder / "result0.hex").read_bytes() == first
