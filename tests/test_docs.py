"""Commands in README and docs work, and show what the pages show.

Each page is run in order in a copy of the examples. What is cheap runs by itself; pages with
simulations are slow. `make` targets are run by `.ci/run`. A comment `# exits with N` names another
exit code than 0; lines below a command must be in its output, in order, and `...` stands for any.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tilewright.build.verilator import find_toolchain, lz4_header_exists

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
EXIT = re.compile(r"# exits with (\d+)$")
CHEAP_VERBS = (
    "doctor",
    "init",
    "check",
    "schema",
    "estimate",
    "import",
    "quantize",
    "plan",
    "pack",
)
OTHER_PROGRAMS = ("sed", "cp", "ls", "head", "grep")


class Command(NamedTuple):
    page: str
    text: str
    exit_code: int
    shown: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """What to start: our own Python in place of `.venv`."""
        words = shlex.split(self.text)
        if words[0] == ".venv/bin/tilewright":
            return [sys.executable, "-m", "tilewright", *words[1:]]
        return [sys.executable, *words[1:]] if words[0] == ".venv/bin/python" else words

    def without_waves(self) -> "Command":
        """The same without the option `--waves`."""
        return self._replace(text=re.sub(r" --waves \d+:\d+", "", self.text))

    @property
    def is_make(self) -> bool:
        return self.text.startswith("make ")

    @property
    def is_cheap(self) -> bool:
        words = shlex.split(self.text)
        if words[0].endswith("tilewright") and words[1] == "synth":
            return "--to" not in words  # place and route takes a minute
        return words[0] in OTHER_PROGRAMS or (
            words[0].endswith("tilewright") and words[1] in CHEAP_VERBS
        )


def commands(page: Path) -> list[Command]:
    found = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *shown = part.splitlines()
            text, _, comment = first.partition("  #")
            code = EXIT.search(f"#{comment}")
            exit_code = int(code[1]) if code else 0
            found.append(Command(page.name, text.strip(), exit_code, tuple(shown)))
    return found


def run(command: Command, folder: Path) -> None:
    done = subprocess.run(
        command.words, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    told = f"{command.page}: {command.text}\n{done.stdout}{done.stderr}"
    assert done.returncode == command.exit_code, told
    rest = iter((done.stdout + done.stderr).splitlines())
    for line in command.shown:
        if line.strip() != "...":
            assert any(line.rstrip() == got.rstrip() for got in rest), f"not shown: {line}\n{told}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with the examples, as a clone has them."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


WITH_COMMANDS = [page for page in PAGES if any(not c.is_make for c in commands(page))]


def test_the_pages_have_commands() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert len(found) >= 20
    assert any(command.shown for command in found)
    assert {"README.md", "tutorial.md"} <= {command.page for command in found}


def test_every_command_is_of_a_known_kind() -> None:
    """A test may start nothing else: a page must not be able to do harm."""
    allowed = ("make", ".venv/bin/tilewright", ".venv/bin/python", *OTHER_PROGRAMS)
    for page in PAGES:
        for command in commands(page):
            assert shlex.split(command.text)[0] in allowed, command


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_cheap_commands_before_the_first_heavy_one(page: Path, folder: Path) -> None:
    for command in commands(page):
        if not command.is_make:
            if not command.is_cheap:
                break
            run(command, folder)


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_all_commands_of_a_page(page: Path, folder: Path) -> None:
    """Without the header that waves need, a command runs without them: others use its files."""
    has_waves = lz4_header_exists(find_toolchain())
    for command in commands(page):
        if not command.is_make:
            run(command if has_waves else command.without_waves(), folder)


def test_a_line_that_is_not_printed_is_found(folder: Path) -> None:
    with pytest.raises(AssertionError, match="not shown: other"):
        run(Command("page", ".venv/bin/python -c 'print(1)'", 0, ("...", "other")), folder)
    with pytest.raises(AssertionError):
        run(Command("page", ".venv/bin/python -c 'print(1)'", 2, ()), folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page: Path, folder: Path) -> None:
    for text in PYTHON_BLOCK.findall(page.read_text(encoding="utf-8")):
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{page.name}: {text}\n{done.stderr}"
        assert done.stdout, f"{page.name}: this example shows nothing"


def test_make_targets_are_run_by_ci() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for command in (c for page in PAGES for c in commands(page) if c.is_make):
        assert re.search(rf"^step \S+ {re.escape(command.text)}$", ci, re.MULTILINE), command
        assert f"\n{command.text.split()[1]}: " in makefile, command


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
