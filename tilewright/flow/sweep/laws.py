"""Which code turns designs into numbers: a sweep that goes on mixes no numbers of two versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

SOURCES: Final = {
    "tilewright.dataflow": ("**/*.py",),
    "tilewright.hw": ("**/*.py",),
    "tilewright.dse": (
        "block_*.py",
        "estimate.py",
        "energy/*.py",
        "timing/*.py",
        "workloads/**/*.py",
    ),
    "tilewright.flow.sweep": ("evaluate.py", "planned.py"),
}
"""By package its files on which cycles, bytes, energy, resources or area depend."""


@cache
def laws_digest() -> str:
    """The SHA-256 of all of them, names and bytes."""
    digest = hashlib.sha256()
    for name, path in law_files():
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def law_files() -> Iterator[tuple[str, Path]]:
    """The files with their names, which are the same wherever the package is installed."""
    for package, patterns in SOURCES.items():
        root = Path(str(files(package)))
        found = {path for pattern in patterns for path in root.glob(pattern)}
        for path in sorted(found):
            yield f"{package}/{path.relative_to(root).as_posix()}", path
