"""Records of a sweep as lines of one file: what a line says, and what a file may look like. Pure.

The first line is the header, with the *context*: versions and whatever else every number depends
on. Each further line is one record, addressed by the SHA-256 of what was evaluated; it carries a
checksum of its own. Lines are only ever added, so a file that was cut off while it was written
ends in a torn line, and only there; anything else that is wrong is damage, which is told and never
passed over.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

FORMAT: Final = 1
FORMAT_KEY: Final = "tilewright_ledger"
CHECK_DIGITS: Final = 16
FAILED: Final = "failed"
DONE: Final = "done"


SHOWN_DIGITS: Final = 12
_HASH: Final = re.compile("[0-9a-f]{64}")
WORDS: Final = {
    "spec": "the spec beside its swept keys and its section `sweep` is another one",
    "model": "the model's file has changed",
    "board": "the board's table has changed",
    "laws": "the code that turns designs into numbers has changed",
    "resources": "the coefficients of the resource model have changed",
}
"""What a difference of a context means, by its name."""


class LedgerError(ValueError):
    """A ledger that cannot be used; the text says why, `help` what to do."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.help = help


class LedgerDamaged(LedgerError):
    """A line in the middle is not what was written."""


class LedgerOfOther(LedgerError):
    """The ledger belongs to another context: its numbers do not compare with ours."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of one piece of work. `body` is plain data with a `status`."""

    key: str
    body: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether there is a result; else the work failed."""
        return bool(self.body["status"] == DONE)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a file holds. `context` None: not even the header is whole.

    `good_bytes` end with the last whole line; the `torn_bytes` behind were never acknowledged.
    """

    context: Mapping[str, str] | None
    records: Mapping[str, Record] = field(default_factory=dict)
    good_bytes: int = 0
    torn_bytes: int = 0


class Ledger(Protocol):
    """Where a sweep keeps its records."""

    def get(self, key: str) -> Record | None:
        """The record of `key`, if there is one."""

    def append(self, records: Sequence[Record]) -> None:
        """Keep new records: safe once this returns."""


class MemoryLedger:
    """A ledger that ends with the process."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def get(self, key: str) -> Record | None:
        """The record of `key`, if there is one."""
        return self.records.get(key)

    def append(self, records: Sequence[Record]) -> None:
        """Keep new records."""
        check_new(self.records, records)
        self.records.update({record.key: record for record in records})


def canonical(value: object) -> bytes:
    """JSON with one spelling: the same value, the same bytes. `ValueError` for NaN and infinity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def content_key(value: object) -> str:
    """The address of plain data: its SHA-256 in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def header_line(context: Mapping[str, str]) -> bytes:
    """The first line of a ledger."""
    return canonical({FORMAT_KEY: FORMAT, "context": dict(context)}) + b"\n"


def record_line(record: Record) -> bytes:
    """The line of a record."""
    body = dict(record.body)
    return canonical({"body": body, "check": _check(record.key, body), "key": record.key}) + b"\n"


def check_new(known: Mapping[str, Record], records: Iterable[Record]) -> None:
    """A key is recorded once; only a failure may be followed by another try (`ValueError`)."""
    seen: set[str] = set()
    for record in records:
        before = known.get(record.key)
        if record.key in seen or (before is not None and before.is_done):
            raise ValueError(f"{record.key} is recorded already")
        seen.add(record.key)


def parse(data: bytes) -> Contents:
    """Read a whole file.

    Raises:
        LedgerDamaged: a line before the last whole one is wrong, or a key is there twice.
        LedgerOfOther: it is no ledger, or one of another format.
    """
    whole = data.split(b"\n")[:-1]  # what follows the last newline is torn
    while whole and _read_line(whole[-1]) is None:  # zeros after a loss of power
        whole.pop()
    if not whole:
        return _without_header(data)
    good_bytes = sum(len(line) + 1 for line in whole)
    context = _context_of(whole[0])
    records: dict[str, Record] = {}
    for number, line in enumerate(whole[1:], start=2):
        _add(records, line, number)
    return Contents(
        context=context,
        records=records,
        good_bytes=good_bytes,
        torn_bytes=len(data) - good_bytes,
    )


def require_context(found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """The contexts must be the same (`LedgerOfOther`, with every difference)."""
    names = sorted(found.keys() | wanted.keys())
    differences = [
        f"{name}: {_short(found.get(name))} there, {_short(wanted.get(name))} now{_words(name)}"
        for name in names
        if found.get(name) != wanted.get(name)
    ]
    if differences:
        raise LedgerOfOther(
            "the ledger is of another version: " + "; ".join(differences),
            help="its numbers do not compare with new ones: `--fresh` throws them away and begins "
            "anew, `--out` takes another folder",
        )


def _words(name: str) -> str:
    return f" ({WORDS[name]})" if name in WORDS else ""


def _short(value: str | None) -> str:
    """A hash as far as one compares it by eye."""
    text = "not there" if value is None else value
    return text[:SHOWN_DIGITS] if _HASH.fullmatch(text) else text


def _check(key: str, body: Mapping[str, Any]) -> str:
    return content_key([key, body])[:CHECK_DIGITS]


def _read_line(line: bytes) -> dict[str, Any] | None:
    """A line as data; None if it is not one of ours as it was written."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    if FORMAT_KEY in data:
        return data
    key, body = data.get("key"), data.get("body")
    if not isinstance(key, str) or not isinstance(body, dict) or "status" not in body:
        return None
    return data if data.get("check") == _check(key, body) else None


def _without_header(data: bytes) -> Contents:
    """A file without one whole line: empty, a torn header, or something else altogether."""
    start = b'{"context":'
    if data and not data.startswith(start) and not start.startswith(data) and data.strip(b"\0"):
        raise LedgerOfOther("this is not a ledger", help="use another folder")
    return Contents(context=None, torn_bytes=len(data))


def _context_of(line: bytes) -> Mapping[str, str]:
    header = _read_line(line) or {}
    context = header.get("context")
    if FORMAT_KEY not in header or not isinstance(context, dict):
        raise LedgerOfOther("this is not a ledger", help="use another folder")
    if header[FORMAT_KEY] != FORMAT:
        message = f"the ledger has format {header[FORMAT_KEY]}, this version writes {FORMAT}"
        help = "`--fresh` begins anew, `--out` takes another folder"
        raise LedgerOfOther(message, help=help)
    return context


def _add(records: dict[str, Record], line: bytes, number: int) -> None:
    data = _read_line(line)
    if data is None or FORMAT_KEY in data:
        raise LedgerDamaged(
            f"line {number} is not as it was written",
            help="delete the line: what it recorded is evaluated again",
        )
    record = Record(key=data["key"], body=data["body"])
    try:
        check_new(records, [record])
    except ValueError:
        message = f"line {number} records again what an earlier line has"
        raise LedgerDamaged(message, help="delete one of the two lines") from None
    records[record.key] = record
