"""Walks all imports and enforces the table of docs/architecture.md, section 2, and the size rules.

Each file belongs to one layer; a layer may import itself and the layers listed with it. Imports
inside functions count too.
"""

import ast
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("hw", "dataflow", "sim", "dse", "boards")
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_ELABORATE_LINES = 300, 40, 60

# Layer -> the layers that it may import besides itself and `package` (the bare __init__ files).
MAY_IMPORT = {
    "spec": (),
    "errors": (),
    "params": ("spec", "params"),
    "rtl": ("spec", "params"),
    "dataflow": ("spec",),
    "configure": ("spec", "dataflow", "params"),
    "top": ("spec", "dataflow", "params", "configure", "rtl"),
    "golden": ("spec", "params", "dataflow"),
    "vectors": ("spec", "params", "dataflow", "golden"),
    "pysim": ("spec", "vectors"),
    "benches": ("golden", "vectors", "spec", "dataflow"),
    "boards": ("spec",),
    "boards_top": ("spec", "boards", "top", "rtl", "params"),
    "dse": ("spec", "dataflow", "params", "configure"),
    "front": ("spec", "errors", "params", "rtl", "dataflow", "configure", "top", "golden",
              "vectors", "pysim", "benches", "boards", "boards_top", "dse"),
}  # fmt: skip
PURE = ("spec", "errors", "params", "dataflow", "configure", "golden", "vectors", "boards", "dse")
PURE_STEMS = ("params", "mapping", "cost")


@dataclass(frozen=True)
class Source:
    """One file: its name once installed, its layer, its text as a tree."""

    path: Path
    module: str
    layer: str
    tree: ast.Module

    @property
    def shown(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


def layer_of(module: str, imports_amaranth: bool) -> str:
    """The layer of an installed module's name."""
    parts = module.split(".")[1:]
    if parts[:1] == ["spec"]:
        return "spec"
    if parts == ["errors"]:
        return "errors"
    if parts[:1] == ["hw"]:
        if parts[1:] == ["top"]:
            return "top"
        if len(parts) == 2:  # beside `configure`: what it is made of
            return "configure"
        stem = parts[-1]
        is_hardware = stem in ("rtl", "kernel") or imports_amaranth
        is_pure = stem.endswith(PURE_STEMS) or not is_hardware
        return "params" if is_pure else "rtl"
    if parts[:1] == ["sim"]:
        if parts[1:] == ["pysim"]:
            return "pysim"
        return parts[1] if parts[1:2] in (["golden"], ["benches"]) else "vectors"
    if parts[:1] == ["boards"]:
        return "boards_top" if imports_amaranth else "boards"
    return parts[0] if parts[:1] in (["dataflow"], ["dse"]) else "front"


def imported_modules(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every imported name with its line; relative ones made absolute."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def installed_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "tilewright" else ("tilewright", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read(path: Path) -> Source:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    module = installed_name(path)
    names = [name for _, name in imported_modules(tree, module, path.stem == "__init__")]
    has_amaranth = any(name.split(".")[0] == "amaranth" for name in names)
    return Source(path, module, layer_of(module, has_amaranth), tree)


def all_sources() -> list[Source]:
    paths = [p for top in ("tilewright", *FOLDERS) for p in sorted((ROOT / top).rglob("*.py"))]
    return [read(path) for path in paths]


SOURCES = all_sources()
LAYER_OF_MODULE = {source.module: source.layer for source in SOURCES}
EMPTY_PACKAGES = {
    s.module for s in SOURCES
    if s.path.stem == "__init__" and not list(imported_modules(s.tree, s.module, True))
}  # fmt: skip


def target_module(name: str) -> str | None:
    """The longest prefix of an imported name that is a module of ours."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in LAYER_OF_MODULE:
            return prefix
    return None


def wrong_imports(source: Source) -> list[str]:
    """Imports of this file that its layer does not allow, with their lines."""
    found = []
    allowed = {source.layer, *MAY_IMPORT[source.layer]}
    for line, name in imported_modules(source.tree, source.module, source.path.stem == "__init__"):
        place = f"{source.shown}:{line}"
        if name.split(".")[0] in FOLDERS:
            found.append(f"{place}: {name}: import it as tilewright.{name}")
        if source.layer in PURE and name.split(".")[0] == "amaranth":
            found.append(f"{place}: {name}: the layer {source.layer} never imports Amaranth")
        target = target_module(name)
        if target is None or target in EMPTY_PACKAGES or source.module == target:
            continue
        if LAYER_OF_MODULE[target] not in allowed:
            found.append(
                f"{place}: {source.layer} may not import {LAYER_OF_MODULE[target]}: {name}"
            )
    return found


def may_print(module: str) -> bool:
    """The command, and workers: programs of their own that answer on standard output."""
    return module == "tilewright.cli" or module.endswith("_worker")


def wrong_calls(source: Source) -> list[str]:
    """What no file may do: run text as code, unpickle, give a line to a shell, print."""
    found = []
    for node in ast.walk(source.tree):
        place = f"{source.shown}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("eval", "exec", "os.system", "os.popen", "yaml.load", "__import__"):
                found.append(f"{place}: {name}")
            if name == "print" and not may_print(source.module):
                found.append(f"{place}: only tilewright/cli.py prints")
            if any(k.arg == "shell" for k in node.keywords):
                found.append(f"{place}: shell=")
            if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False"
                   for k in node.keywords):  # fmt: skip
                found.append(f"{place}: allow_pickle")
    for line, name in imported_modules(source.tree, source.module, source.path.stem == "__init__"):
        if name.split(".")[0] in ("pickle", "marshal", "shelve", "dill"):
            found.append(f"{source.shown}:{line}: {name}")
        is_starter = name.split(".")[0] == "subprocess"
        if is_starter and source.module != "tilewright.build.process":
            found.append(f"{source.shown}:{line}: only tilewright/build/process.py starts tools")
    return found


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring: documentation is not held down."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        length -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return length


def long_file(path: Path) -> list[str]:
    """The file, if it is above the limit."""
    num_lines = len(path.read_text(encoding="utf-8").splitlines())
    shown = path.relative_to(ROOT).as_posix()
    too_many = num_lines > MAX_FILE_LINES
    return [f"{shown}: {num_lines} lines, at most {MAX_FILE_LINES}"] if too_many else []


def too_long(source: Source) -> list[str]:
    """Files and functions above the limits."""
    found = long_file(source.path)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            limit = MAX_ELABORATE_LINES if node.name == "elaborate" else MAX_FUNCTION_LINES
            length = code_lines(node)
            if length > limit:
                place = f"{source.shown}:{node.lineno}"
                found.append(f"{place}: {node.name} has {length} lines, at most {limit}")
    return found


def test_test_files_are_no_longer_than_others() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert len(tests) > 100
    offenders = [line for path in tests for line in long_file(path)]
    assert not offenders, "\n" + "\n".join(offenders)


@pytest.mark.parametrize("rule", [wrong_imports, wrong_calls, too_long], ids=lambda r: r.__name__)
def test_every_file_obeys(rule) -> None:
    offenders = [line for source in SOURCES for line in rule(source)]
    assert not offenders, "\n" + "\n".join(offenders)


def test_the_walk_sees_every_part() -> None:
    assert len(SOURCES) > 30
    assert {"spec", "front", "params", "rtl", "vectors"} <= {source.layer for source in SOURCES}


def planted(module: str, layer: str, text: str) -> Source:
    path = ROOT / (module.replace(".", "/") + ".py")
    return Source(path, module, layer, ast.parse(text))


@pytest.mark.parametrize(
    ("module", "layer", "text"),
    [
        ("tilewright.spec.model", "spec", "from tilewright.errors import ToolError"),
        ("tilewright.spec.model", "spec", "from ..errors import ToolError"),
        ("tilewright.spec.model", "spec", "def f():\n    from tilewright.build import files"),
        ("tilewright.dataflow.plan", "dataflow", "from tilewright.hw.lib.params import Field"),
        ("tilewright.dataflow.plan", "dataflow", "import hw.lib.params"),
        ("tilewright.hw.systolic.cost", "params", "import amaranth"),
        ("tilewright.hw.systolic.cost", "params", "from amaranth.lib import wiring"),
        ("tilewright.sim.golden.run", "golden", "from tilewright.cli import main"),
    ],
)
def test_a_planted_import_is_found(module: str, layer: str, text: str) -> None:
    assert wrong_imports(planted(module, layer, text))


def test_an_allowed_import_is_not_found() -> None:
    text = "from tilewright.spec.numbers import NumberFormat\nfrom . import plan\nimport numpy"
    assert wrong_imports(planted("tilewright.dataflow.plan", "dataflow", text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "import subprocess",
        "from subprocess import run",
        "import pickle",
        "run('x', shell=True)",
        "import os\nos.system('x')",
        "print('x')",
        "numpy.load('x', allow_pickle=True)",
    ],
)
def test_a_planted_call_is_found(text: str) -> None:
    assert wrong_calls(planted("tilewright.dataflow.plan", "dataflow", text))


def test_pytest_goes_into_every_test_folder() -> None:
    """By default it passes over folders named `build`, and says nothing."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    skipped = settings["ini_options"]["norecursedirs"]
    for path in (ROOT / "tests").rglob("test_*.py"):
        for part in path.relative_to(ROOT).parts[:-1]:
            assert not any(fnmatch.fnmatch(part, pattern) for pattern in skipped), path


def test_test_files_have_unique_names_and_are_no_packages() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py")]
    assert "__init__.py" not in names
    tests = [name for name in names if name.startswith("test_")]
    assert sorted(set(tests)) == sorted(tests)
