"""Commands in README and docs work: cheap ones run here, heavy ones must be in `.ci/run`."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
CHEAP_VERBS = ("doctor", "init", "check", "schema", "estimate")


class Command(NamedTuple):
    page: str
    text: str


def commands() -> list[Command]:
    found = []
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            found += [Command(page.name, line.partition("  #")[0].strip()) for line in lines]
    return found


def is_cheap(command: Command) -> bool:
    words = shlex.split(command.text)
    return words[0].endswith("tilewright") and words[1] in CHEAP_VERBS


def test_the_pages_have_commands() -> None:
    assert len(commands()) >= 5
    assert any(is_cheap(command) for command in commands())


@pytest.mark.parametrize("page", sorted({command.page for command in commands()}))
def test_cheap_commands_run_in_order(page: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command in [c for c in commands() if c.page == page and is_cheap(c)]:
        words = [sys.executable, "-m", "tilewright", *shlex.split(command.text)[1:]]
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{page}: {command.text}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for text in PYTHON_BLOCK.findall(page.read_text(encoding="utf-8")):
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{page.name}: {text}\n{done.stderr}"
        assert done.stdout, f"{page.name}: this example shows nothing"


def test_heavy_commands_are_run_by_ci() -> None:
    """`make` targets directly; verbs of the flow because `make demo` or a test runs them."""
    ci = (ROOT / ".ci" / "run").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for command in (c for c in commands() if not is_cheap(c)):
        words = shlex.split(command.text)
        if words[0] == "make":
            assert re.search(rf"^step \S+ {re.escape(command.text)}$", ci, re.MULTILINE), command
            assert f"\n{words[1]}: " in makefile, command
        elif words[1] == "verify":
            assert " ".join(words[1:]) in makefile, f"{command}: not what `make demo` runs"
        else:
            assert words[1] in ("generate", "report", "run"), command


def test_ci_runs_nothing_that_the_readme_does_not_tell() -> None:
    steps = re.findall(r"^step \S+ (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert steps == ["make demo", "make test", "make lint"]
    assert all(step in readme for step in steps)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
