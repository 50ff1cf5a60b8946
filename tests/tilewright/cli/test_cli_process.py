"""The command as a process: what it loads, signals, and streams that are closed or odd."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tilewright import cli
from tilewright.build import files


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
