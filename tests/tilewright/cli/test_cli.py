"""The command: exit codes, what goes to which stream, and that no traceback reaches a user."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tilewright.build.doctor
from tilewright import cli
from tilewright.build import files
from tilewright.commands.parser import VERBS
from tilewright.errors import NothingRunError, OutputError, TilewrightError, ToolError


@pytest.mark.parametrize("verb", ["estimate", "generate", "verify"])
@pytest.mark.parametrize("ok", [True, False])
def test_flow_verbs_print_the_table_and_say_whether_it_is_good(
    flow: Any, spec: Path, capsys: pytest.CaptureFixture[str], verb: str, ok: bool
) -> None:
    flow.answer = flow.result(ok=ok)
    assert cli.main([verb, str(spec)]) == (0 if ok else 1)
    is_failed = verb == "verify" and not ok
    repeat = f"repeat: tilewright verify {spec}\n" if is_failed else ""
    assert capsys.readouterr() == (f"images right  97 of 100\n{repeat}", "")
    assert flow.calls[0][0] == verb
    assert flow.calls[0][1][0].name == "little"
    if verb != "estimate":
        assert flow.calls[0][1][1] == Path("out/little")


def test_json_is_one_object(flow: Any, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow.answer = flow.result(ok=False)
    assert cli.main(["--json", "verify", str(spec), "--seed", "4"]) == 1
    repeat = f"tilewright verify {spec} --seed 4"
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "cycles": 123,
        "repeat_command": repeat,
    }


@pytest.mark.parametrize("arguments", [["--out", "there", "verify"], ["verify", "--out", "there"]])
def test_options_of_every_verb_stand_before_or_after_it(
    flow: Any, spec: Path, arguments: list[str]
) -> None:
    assert cli.main([*arguments, str(spec), "--samples", "5", "--seed", "0"]) == 0
    _, positional, options = flow.calls[0]
    assert positional[1] == Path("there")
    assert options == {"samples": 5, "seed": 0, "waves": None}


@pytest.mark.parametrize(
    ("waves", "window"), [(["--waves"], (0, 10_000)), (["--waves=7:9"], (7, 9))]
)
def test_waves_are_a_window(
    flow: Any, spec: Path, waves: list[str], window: tuple[int, int]
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
    flow: Any,
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
    flow: Any, spec: Path, capsys: pytest.CaptureFixture[str]
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
    flow: Any, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.answer = OSError(28, "No space left on device", "out/little/top.v")
    assert cli.main(["generate", str(spec)]) == 1
    assert "out/little/top.v: cannot write: no space left" in capsys.readouterr().err


def test_a_missing_tool_is_told_before_the_flow_is_asked(
    flow: Any,
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
    flow: Any, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-v", "estimate", str(spec)]) == 0
    assert capsys.readouterr().err == "estimate: a stage\n"
    assert cli.main(["-q", "estimate", str(spec)]) == 0
    assert capsys.readouterr() == ("", "")


def test_report_believes_only_a_whole_result(
    flow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with files.output_directory(tmp_path / "out") as (folder, _):
        (folder / "report.json").write_text("{}")
    assert cli.main(["report", str(tmp_path / "out")]) == 0
    (tmp_path / "out" / "report.json").write_text('{"ok": true}')
    assert cli.main(["report", str(tmp_path / "out")]) == 1
    assert "changed: report.json" in capsys.readouterr().err
    assert cli.main(["report"]) == 2
    assert len(flow.calls) == 1


def test_ctrl_c_before_anything_was_begun_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_parser", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_while_python_imports_is_quiet() -> None:
    program = """
import sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "tilewright.commands.parser":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
from tilewright.cli import main
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
