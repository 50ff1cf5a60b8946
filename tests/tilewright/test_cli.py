"""The command: exit codes, what goes to which stream, and that no traceback reaches a user."""

import json
import os
import signal
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tilewright.build.doctor
from tilewright import cli
from tilewright.build import files
from tilewright.commands.parser import VERBS
from tilewright.errors import NothingRunError, OutputError, TilewrightError, ToolError

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
    ok: bool = True

    def table(self) -> str:
        return "images right  97 of 100"

    def to_json(self) -> dict[str, Any]:
        return {"cycles": 123}


class FakeFlow(types.ModuleType):
    """Stands for `tilewright.flow`: remembers its calls, returns or raises what it was told."""

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


@pytest.mark.parametrize("verb", ["estimate", "generate", "verify"])
@pytest.mark.parametrize("ok", [True, False])
def test_flow_verbs_print_the_table_and_say_whether_it_is_good(
    flow: FakeFlow, spec: Path, capsys: pytest.CaptureFixture[str], verb: str, ok: bool
) -> None:
    flow.answer = FakeResult(ok=ok)
    assert cli.main([verb, str(spec)]) == (0 if ok else 1)
    is_failed = verb == "verify" and not ok
    repeat = f"repeat: tilewright verify {spec}\n" if is_failed else ""
    assert capsys.readouterr() == (f"images right  97 of 100\n{repeat}", "")
    assert flow.calls[0][0] == verb
    assert flow.calls[0][1][0].name == "little"
    if verb != "estimate":
        assert flow.calls[0][1][1] == Path("out/little")


def test_json_is_one_object(flow: FakeFlow, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow.answer = FakeResult(ok=False)
    assert cli.main(["--json", "verify", str(spec), "--seed", "4"]) == 1
    repeat = f"tilewright verify {spec} --seed 4"
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "cycles": 123,
        "repeat_command": repeat,
    }


@pytest.mark.parametrize("arguments", [["--out", "there", "verify"], ["verify", "--out", "there"]])
def test_options_of_every_verb_stand_before_or_after_it(
    flow: FakeFlow, spec: Path, arguments: list[str]
) -> None:
    assert cli.main([*arguments, str(spec), "--samples", "5", "--seed", "0"]) == 0
    _, positional, options = flow.calls[0]
    assert positional[1] == Path("there")
    assert options == {"samples": 5, "seed": 0, "waves": None}


@pytest.mark.parametrize(
    ("waves", "window"), [(["--waves"], (0, 10_000)), (["--waves=7:9"], (7, 9))]
)
def test_waves_are_a_window(
    flow: FakeFlow, spec: Path, waves: list[str], window: tuple[int, int]
) -> None:
    assert cli.main(["verify", str(spec), *waves]) == 0
    assert flow.calls[0][2]["waves"] == window


@pytest.mark.parametrize(
    "arguments",
    [
        ["verfy"],
        ["verify"],
        ["verify", "s.yaml", "--samples", "0"],
        ["verify", "s.yaml", "--samples", "-3"],
        ["verify", "s.yaml", "--seed", "x"],
        ["verify", "s.yaml", "--seed", "٣"],
        ["verify", "s.yaml", "--waves=9:9"],
        ["verify", "s.yaml", "--waves=9"],
        ["verify", "--sample", "3", "s.yaml"],
        ["run", "s.yaml"],
    ],
)
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: tilewright" in capsys.readouterr().err


def test_no_verb_is_code_2_and_shows_all_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    text = capsys.readouterr().err
    assert all(name in text for name, _ in VERBS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TilewrightError("does not fit"), 1),
        (OutputError("no space left"), 1),
        (ToolError("verify needs: make (missing)", help="apt install make"), 3),
        (NothingRunError("no case ran"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_become_codes_and_messages(
    flow: FakeFlow,
    spec: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    as_json: bool,
) -> None:
    flow.answer = error
    assert cli.main(["verify", str(spec), *(["--json"] if as_json else [])]) == code
    out, err = capsys.readouterr()
    if as_json:
        assert err == ""
        assert json.loads(out)["exit_code"] == code
        return
    assert out == ""
    assert "Traceback" not in err
    assert str(error) in err


def test_a_bug_of_ours_writes_its_traceback_into_a_file_only(
    flow: FakeFlow, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.answer = ZeroDivisionError("secret detail")
    assert cli.main(["verify", str(spec)]) == 4
    err = capsys.readouterr().err
    assert "bug in tilewright (ZeroDivisionError)" in err
    assert "Traceback" not in err
    assert "secret detail" not in err
    report = Path(err.rpartition("details are in ")[2].strip())
    text = report.read_text()
    report.unlink()
    assert "secret detail" in text
    assert "Traceback" in text


def test_a_disk_that_refuses_is_no_bug(
    flow: FakeFlow, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.answer = OSError(28, "No space left on device", "out/little/top.v")
    assert cli.main(["generate", str(spec)]) == 1
    assert "out/little/top.v: cannot write: no space left" in capsys.readouterr().err


def test_a_missing_tool_is_told_before_the_flow_is_asked(
    flow: FakeFlow,
    spec: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = tilewright.build.doctor.Finding(
        name="make", purpose="", status="missing", fix="apt install make"
    )
    monkeypatch.setattr(tilewright.build.doctor, "check_tools", lambda for_="verify": [finding])
    assert cli.main(["verify", str(spec)]) == 3
    err = capsys.readouterr().err
    assert "make (missing)" in err
    assert "apt install make" in err
    assert flow.calls == []


def test_progress_only_where_it_was_asked_for(
    flow: FakeFlow, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-v", "estimate", str(spec)]) == 0
    assert capsys.readouterr().err == "estimate: a stage\n"
    assert cli.main(["-q", "estimate", str(spec)]) == 0
    assert capsys.readouterr() == ("", "")


def test_report_believes_only_a_whole_result(
    flow: FakeFlow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with files.output_directory(tmp_path / "out") as (folder, _):
        (folder / "report.json").write_text("{}")
    assert cli.main(["report", str(tmp_path / "out")]) == 0
    (tmp_path / "out" / "report.json").write_text('{"ok": true}')
    assert cli.main(["report", str(tmp_path / "out")]) == 1
    assert "changed: report.json" in capsys.readouterr().err
    assert cli.main(["report"]) == 2
    assert len(flow.calls) == 1


def test_check_reports_all_specs(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(spec)]) == 0
    assert capsys.readouterr().out == f"{spec}: good: kernel little\n"
    bad = spec.with_name("bad.yaml")
    bad.write_text(GOOD_SPEC.replace("cols: 4", "cols: no"))
    assert cli.main(["check", str(bad), str(spec), str(bad)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(f"{bad}:6:9: error:") == 2
    assert cli.main(["check", "--json", str(bad)]) == 2
    contents = json.loads(capsys.readouterr().out)
    assert contents["errors"][0]["line"] == 6


def test_check_of_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "absent.yaml"]) == 2
    assert "absent.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["accelerator", "kernel"])
def test_init_writes_a_spec_that_check_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    arguments = ["init", "mine", "--kind", kind, "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert "yaml-language-server: $schema=" in text
    json.loads((tmp_path / "tilewright.schema.json").read_text())
    if kind == "kernel":
        assert cli.main(["check", str(tmp_path / "mine.yaml")]) == 0
    capsys.readouterr()
    assert cli.main(arguments) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine.yaml").read_text() == text


def test_init_refuses_a_name_that_no_spec_may_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Mine", "../mine", "module", "a" * 64):
        assert cli.main(["init", name, "--out", str(tmp_path)]) == 2, name
    assert list(tmp_path.iterdir()) == []


def test_schema_is_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert "properties" in capsys.readouterr().out


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tilewright", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_check_is_quick_and_loads_nothing_heavy(spec: Path) -> None:
    text = (
        "import sys, tilewright.cli; code = tilewright.cli.main(['check', 'little.yaml'])\n"
        "heavy = {'amaranth', 'onnx', 'numpy', 'networkx', 'cocotb', 'jinja2'} & set(sys.modules)\n"
        "print(sorted(heavy)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=spec.parent, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"
    command("check", "little.yaml", cwd=spec.parent)  # bytecode and disk cache are warm now
    seconds = []
    for _ in range(3):
        before = os.times()
        assert command("check", "little.yaml", cwd=spec.parent).returncode == 0
        after = os.times()
        seconds.append(after[2] + after[3] - before[2] - before[3])  # CPU: others share the machine
    assert min(seconds) < 1.0, f"`tilewright check` took {seconds} s"  # half of it, undisturbed


def test_names_that_are_no_text_are_shown_escaped(tmp_path: Path) -> None:
    for name in (b"\xff.yaml", "\N{SNOWMAN}.yaml".encode()):
        done = subprocess.run(
            [sys.executable, "-m", "tilewright", "check", name],
            cwd=tmp_path, capture_output=True, check=False,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert done.stderr.isascii()
        assert b"\\" in done.stderr


def test_a_reader_that_has_enough_is_no_error(spec: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tilewright", "schema"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_130_without_a_traceback(tmp_path: Path, number: signal.Signals) -> None:
    text = (
        "import sys, time, types, tilewright.cli\n"
        "flow = types.ModuleType('tilewright.flow')\n"
        "def report(out): print('ready', flush=True); time.sleep(60)\n"
        "flow.report = report; sys.modules['tilewright.flow'] = flow; import tilewright\n"
        "tilewright.flow = flow\n"
        "sys.exit(tilewright.cli.main(['report', 'out']))"
    )
    with files.output_directory(tmp_path / "out"):
        pass
    process = subprocess.Popen(
        [sys.executable, "-c", text], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"interrupted\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tilewright ")


def test_import_is_lazy_and_complete() -> None:
    text = (
        "import sys, tilewright\n"
        "mine = sorted(m for m in sys.modules if m.startswith('tilewright'))\n"
        "assert mine == ['tilewright'], mine\n"
        "assert set(tilewright.__all__) <= set(dir(tilewright))\n"
        "tilewright.check_tools, tilewright.templates, tilewright.load_spec\n"
        "assert tilewright.__version__\n"
        "try: tilewright.nonsense\n"
        "except AttributeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.stdout == "module 'tilewright' has no attribute 'nonsense'\n", done.stderr
