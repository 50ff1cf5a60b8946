"""Stages of work in one folder: each whole or absent, believed only if its key fits.

A stage is a directory published by `files.output_directory`: written under a hidden name, synced,
renamed when complete, with a manifest that has the hash of every file and the key of the stage. The
key is a digest of everything that the stage depends on. So a stage that was interrupted, or made
from other inputs, or changed since, is made again. Before it is, the one of other inputs and those
that come after it are set aside: no bitstream of another design stays beside a netlist. A run with
those inputs again takes them back.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tilewright.build.files import (
    output_directory,
    output_error,
    read_manifest,
    to_json_bytes,
    verify_directory,
)
from tilewright.build.synth.outputs import check_output
from tilewright.build.synth.result import SYNTH_JSON, StageTime
from tilewright.commands.contract import Progress, no_progress
from tilewright.errors import OutputError

__all__ = ["EARLIER", "LOGS", "Stages", "locked"]

LOGS: Final = "logs"
EARLIER: Final = ".earlier"
"""Stages of other inputs, set aside."""
_ORDER: Final = {"synth": 0, "pnr": 1, "sta": 1, "pack": 2}
"""What comes after what, by the first word of a stage's name."""
Make = Callable[[Path, Path], None]
"""Fills the folder of a stage; the second path is where its log goes."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one run; the lock is given up however the process ends.

    `synth.json` of an earlier run goes: it is written anew at the end, and a run that fails before
    must not leave the figures of another design beside its own files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise output_error(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OutputError(
            f"{folder}: another synthesis is at work in this folder",
            help="wait for its end, or choose another folder with --out",
        ) from error
    try:
        with _write_errors(folder / SYNTH_JSON):
            (folder / SYNTH_JSON).unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


@dataclass
class Stages:
    """The stages of one run in `folder`, which the caller holds (`locked`)."""

    folder: Path
    progress: Progress = no_progress
    times: list[StageTime] = field(default_factory=list)

    def run(
        self, name: str, words: str, inputs: Mapping[str, Any], make: Make, results: Sequence[str]
    ) -> Path:
        """The folder of stage `name`: an earlier one with the same `inputs`, or a new one.

        `words` say for people what is done; `results` are the files that later stages read.

        Raises:
            OutputError: if `make` ended without an error and one of the results is not whole.
        """
        final, key = self.folder / name, digest(inputs)
        if (seconds := self._found(name, key)) is not None:
            self.progress(f"{words}: there already")
            self.times.append(StageTime(name=name, seconds=seconds, was_resumed=True))
            return final
        self.progress(words)
        started = time.monotonic()
        log = self.folder / LOGS / f"{name}.log"
        with output_directory(final, manifest={"stage_key": key}) as (partial, contents):
            log.parent.mkdir(exist_ok=True)
            make(partial, log)
            for file in results:
                check_output(partial / file, log)
            seconds = round(time.monotonic() - started, 3)
            contents["seconds"] = seconds
        self.times.append(StageTime(name=name, seconds=seconds, was_resumed=False))
        self.progress(f"{words}: {seconds:.1f} s")
        return final

    def keep(self, kind: str, names: Collection[str]) -> None:
        """Of the stages whose names begin with the word `kind`, set aside all but these."""
        self._set_aside(lambda found: _word(found) == kind and found not in names)

    def _found(self, name: str, key: str) -> float | None:
        """How long the stage took, if it is there or was set aside.

        If not, it is made next: it makes room, and those after it are of another design.
        """
        final, earlier = self.folder / name, self.folder / EARLIER / name
        if (seconds := _seconds_of(final, key)) is not None:
            return seconds
        back = self.folder / f".{name}.old-earlier"  # `output_directory` removes it after a kill
        seconds = _seconds_of(earlier, key)
        with _write_errors(final):
            shutil.rmtree(back, ignore_errors=True)
            if seconds is not None:
                earlier.rename(back)
            after = _ORDER[_word(name)]
            self._set_aside(lambda found: found == name or _ORDER[_word(found)] > after)
            if seconds is not None:
                back.rename(final)
        return seconds

    def _set_aside(self, is_chosen: Callable[[str], bool]) -> None:
        """A folder that is not ours stays; one that was aside already gives way."""
        aside = self.folder / EARLIER
        names = [path.name for path in self.folder.iterdir() if _word(path.name) in _ORDER]
        with _write_errors(aside):
            for name in filter(is_chosen, names):
                with contextlib.suppress(OutputError):
                    read_manifest(self.folder / name)
                    aside.mkdir(exist_ok=True)
                    shutil.rmtree(aside / name, ignore_errors=True)
                    (self.folder / name).rename(aside / name)


def _word(name: str) -> str:
    return name.partition("_")[0]


@contextlib.contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(path, error) from error


def digest(inputs: Mapping[str, Any]) -> str:
    """One spelling of the inputs, hashed."""
    return hashlib.sha256(to_json_bytes(dict(inputs))).hexdigest()


def _seconds_of(final: Path, key: str) -> float | None:
    """How long the stage took, if it is there, whole, and has this key."""
    try:
        contents = verify_directory(final)
    except OutputError:
        return None
    if contents.get("stage_key") != key or not isinstance(contents.get("seconds"), int | float):
        return None
    return float(contents["seconds"])
