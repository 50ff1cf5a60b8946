"""Builds the wheel from a copy of the sources, so that no stale `build/` folder gets into it.

`python .ci/build_wheel.py DIRECTORY` prints the wheel's path. Needs no network.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tilewright", "hw", "dataflow", "sim", "dse", "boards")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "NOTICE")


def build(directory: Path) -> Path:
    """Build the wheel into `directory`."""
    from setuptools import build_meta

    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tilewright-wheel-") as name:
        copy = Path(name)
        for folder in PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
        for file in FILES:
            shutil.copy(ROOT / file, copy / file)
        with contextlib.chdir(copy), contextlib.redirect_stdout(sys.stderr):
            wheel = build_meta.build_wheel(os.fspath(directory.resolve()))
    return directory / wheel


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
