"""Trajectories of learning agents as files: columns (`.npz`) or a record per line (`.jsonl`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tilewright.errors import UsageError

from .files import write_arrays, write_file

if TYPE_CHECKING:
    from tilewright.dse.gym import Trajectories

SUFFIXES = (".npz", ".jsonl")


def write_trajectories(path: Path, trajectories: Trajectories) -> None:
    """Write all steps, whole or not at all; the name's end says in which form.

    Raises:
        UsageError: the name has another end.
        OutputError: it cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: trajectories are .npz or .jsonl, got {path.suffix or 'no end'}")
    if path.suffix == ".npz":
        write_arrays(path, trajectories.arrays())
    else:
        lines = (json.dumps(r, sort_keys=True, allow_nan=False) for r in trajectories.records())
        write_file(path, "".join(line + "\n" for line in lines))
