"""The ledger of a sweep as a file: one writer at a time, every record on the disk once it is told.

`ledger.jsonl` only grows: records are appended, then synced, then acknowledged. A process that is
killed leaves at most a torn last line, which the next writer cuts off. The writer holds a lock of
the operating system (`flock` on `sweep.lock`) that ends with it, however it ends; processes that it
forked let go of their copy of the lock at once, or they would hold it for a dead parent.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tilewright.dse.ledger import (
    Contents,
    LedgerError,
    Record,
    check_new,
    header_line,
    parse,
    record_line,
    require_context,
)
from tilewright.errors import OutputError

from .files import output_error

LEDGER: Final = "ledger.jsonl"
LOCK: Final = "sweep.lock"

_open_descriptors: weakref.WeakSet[_Held] = weakref.WeakSet()


class LedgerBusyError(OutputError):
    """Another sweep writes into the same folder."""


class _Held:
    """Descriptors of this process alone."""

    def __init__(self, lock: int) -> None:
        self.descriptors = [lock]
        _open_descriptors.add(self)

    def close(self) -> None:
        for descriptor in self.descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self.descriptors = []


def _let_go_in_child() -> None:
    for held in list(_open_descriptors):
        held.close()


os.register_at_fork(after_in_child=_let_go_in_child)


class LedgerFile:
    """The ledger of one folder, open for appending; made by `open_ledger`."""

    def __init__(self, path: Path, descriptor: int, contents: Contents) -> None:
        self.path = path
        self.repaired_bytes = contents.torn_bytes
        self.records = dict(contents.records)
        self._descriptor = descriptor
        self._size = contents.good_bytes

    def get(self, key: str) -> Record | None:
        """The record of `key`, if there is one."""
        return self.records.get(key)

    def append(self, records: Sequence[Record]) -> None:
        """Add records, all or none; they are on the disk when this returns.

        Raises:
            OutputError: the disk is full, or the like; the file is as before.
            ValueError: a key is recorded already.
        """
        check_new(self.records, records)
        self._write(b"".join(record_line(record) for record in records))
        self.records.update({record.key: record for record in records})

    def begin(self, context: Mapping[str, str]) -> None:
        """Write the header of a new ledger."""
        self._write(header_line(context))

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except BaseException as error:  # also Ctrl-C: nobody was told that it is there
            with suppress(OSError):  # then it stays torn, and the next writer cuts it off
                os.ftruncate(self._descriptor, self._size)
            if isinstance(error, OSError):
                raise output_error(self.path, error) from error
            raise
        self._size += len(data)


@contextmanager
def open_ledger(
    folder: Path, context: Mapping[str, str], *, is_fresh: bool = False
) -> Iterator[LedgerFile]:
    """The ledger of `folder`, which is made if need be; what it has is resumed.

    `context` is what all its numbers depend on: versions, the spec around the swept keys.
    `is_fresh` throws away what is there.

    Raises:
        LedgerBusyError: another process has it open.
        OutputError: it cannot be written; it is damaged; it is of another version.
    """
    path = folder / LEDGER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = _Held(_locked(folder / LOCK))
    except OSError as error:
        raise output_error(path, error) from error
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            held.descriptors.append(descriptor)
            contents = _repaired(path, descriptor, is_fresh)
        except OSError as error:
            raise output_error(path, error) from error
        ledger = LedgerFile(path, descriptor, contents)
        if contents.context is None:
            ledger.begin(context)
            _sync_folder(folder)
        else:
            _require(path, contents.context, context)
        yield ledger
    finally:
        held.close()


def read_ledger(folder: Path) -> Contents:
    """What the ledger of a folder holds now; a sweep may be writing it. `OutputError` if none."""
    path = folder / LEDGER
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}") from error
    return _parsed(path, data)


def _locked(path: Path) -> int:
    """The lock's descriptor. The file stays: a new one could be locked beside the old."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise LedgerBusyError(
            f"{path.parent}: another sweep is writing here"
            + (f", process {holder}" * bool(holder)),
            help="wait for its end, or choose another folder with --out",
        ) from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _repaired(path: Path, descriptor: int, is_fresh: bool) -> Contents:
    """The contents, once a torn tail is cut off."""
    size = 0 if is_fresh else os.fstat(descriptor).st_size
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        contents = _parsed(path, file.read(size))
    if os.fstat(descriptor).st_size != contents.good_bytes:
        os.ftruncate(descriptor, contents.good_bytes)
        os.fsync(descriptor)
    return contents


def _parsed(path: Path, data: bytes) -> Contents:
    try:
        return parse(data)
    except LedgerError as error:
        raise OutputError(f"{path}: {error}", help=error.help) from error


def _require(path: Path, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    try:
        require_context(found, wanted)
    except LedgerError as error:
        raise OutputError(f"{path}: {error}", help=error.help) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
