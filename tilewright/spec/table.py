"""Tables in files of their own (boards, devices), read as strictly as specs are.

The same less-than-YAML text, every mistake located, all at once; a table is one `Section`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .composer import KeyPath
from .diagnostics import Diagnostic, SpecError
from .kinds import Section
from .messages import conflict_diagnostic, error_diagnostic
from .sections.base import Conflict
from .source import Document, read_document, read_source

MAX_DIAGNOSTICS = 100


class TableSection(Section):
    """The whole of a table; a subclass has its keys and the rules between them."""

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between keys, as paths from the top of the table."""
        return iter(())


Table = TypeVar("Table", bound=TableSection)


Rules = Callable[[Table], Iterable[Conflict]]


def _no_rules(_table: TableSection) -> Iterable[Conflict]:
    return ()


def load_table(path: Path, form: type[Table], more: Rules[Table] = _no_rules) -> Table:
    """Reads and checks a file; `more` are rules that need more than the table.

    Raises:
        SpecError: with all mistakes in the file.
    """
    return parse_table(read_source(path), str(path), form, more)


def parse_table(
    text: str, filename: str, form: type[Table], more: Rules[Table] = _no_rules
) -> Table:
    """The same from text."""
    document = read_document(text, filename)
    if not isinstance(document.data, dict):
        rule = "is empty" if document.data is None else "must be a list of `key: value` lines"
        raise spec_error([*document.mistakes, document.diagnostic((), rule)])
    mistakes = list(document.mistakes)
    try:
        table = form.model_validate(document.data)
    except ValidationError as error:
        details = reported(error.errors(include_url=False), document)
        mistakes += [
            error_diagnostic(path, detail, document, form, {})
            for path, detail in details[:MAX_DIAGNOSTICS]
        ]
        raise spec_error(mistakes) from None
    conflicts = [*table.conflicts(), *more(table)]
    mistakes += [conflict_diagnostic(conflict, document) for conflict in conflicts]
    if mistakes:
        raise spec_error(mistakes)
    return table


def spec_error(diagnostics: list[Diagnostic]) -> SpecError:
    """The error with these messages in order of place, not more than a reader can take in."""
    ordered = sorted(diagnostics, key=lambda d: (d.line or 0, d.column or 0))
    if len(ordered) > MAX_DIAGNOSTICS:
        rest = len(ordered) - MAX_DIAGNOSTICS
        ordered = ordered[:MAX_DIAGNOSTICS]
        ordered.append(Diagnostic(file=ordered[0].file, rule=f"and {rest} more mistakes"))
    return SpecError(ordered)


def reported(
    details: Iterable[ErrorDetails], document: Document
) -> list[tuple[KeyPath, ErrorDetails]]:
    """The errors to report with their paths: one for a path, none where one is known already."""
    found: dict[tuple[KeyPath, bool], ErrorDetails] = {}
    for detail in details:
        path: KeyPath = detail["loc"]
        is_key = path[-1:] == ("[key]",) and path not in document.places
        path = path[:-1] if is_key else path
        is_known = any(path[:n] in document.poisoned for n in range(1, len(path) + 1))
        if detail["type"] != "default_factory_not_called" and not is_known:
            found.setdefault((path, is_key), detail)
    pairs = [(path, detail) for (path, _), detail in found.items()]
    return sorted(pairs, key=lambda item: _order(item[0], document))


def _order(path: KeyPath, document: Document) -> tuple[int, int]:
    place = document.places.get(path) or document.places.get(path[:-1])
    return (place.key.line, place.key.column) if place else (0, 0)
