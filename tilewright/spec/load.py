"""`load_spec`: a file to a `Spec`, or one SpecError with every mistake in it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from .checks import all_conflicts
from .composer import MAX_DEPTH, KeyPath
from .diagnostics import Diagnostic, closest
from .messages import conflict_diagnostic, error_diagnostic, key_names
from .model import FORMAT_VERSION, AcceleratorSpec, KernelSpec, Spec
from .sections import BUILTIN_SECTIONS, TemplateSection
from .sections.base import Conflict, SpecContext
from .source import Document, read_document, read_source
from .table import MAX_DIAGNOSTICS, reported, spec_error

Sections = Mapping[str, type[TemplateSection]]
Boards = Mapping[str, Collection[str]]
"""Names of boards with the names of each one's memories, looked up when they are needed."""


def load_spec(
    path: str | Path,
    *,
    boards: Boards = MappingProxyType({}),
    sections: Sections = BUILTIN_SECTIONS,
) -> Spec:
    """Reads and checks a spec file. Raises SpecError with all its mistakes."""
    path = Path(path)
    return parse_spec(
        read_source(path), str(path), directory=path.parent, boards=boards, sections=sections
    )


def parse_spec(
    text: str,
    filename: str = "<text>",
    *,
    directory: Path | None = None,
    boards: Boards = MappingProxyType({}),
    sections: Sections = BUILTIN_SECTIONS,
) -> Spec:
    """Checks the text of a spec. Files that it names are looked for if `directory` is given."""
    document = read_document(text, filename)
    return _check(
        SpecContext(sections=sections, boards=boards, directory=directory, document=document)
    )


def spec_from_data(
    data: object,
    filename: str = "<data>",
    *,
    directory: Path | None = None,
    boards: Boards = MappingProxyType({}),
    sections: Sections = BUILTIN_SECTIONS,
) -> Spec:
    """Checks plain data in the form of a spec (units still written: `64KiB`)."""
    document = Document(file=filename, data=data)
    return _check(
        SpecContext(sections=sections, boards=boards, directory=directory, document=document)
    )


def spec_hash(spec: Spec) -> str:
    """SHA-256 of what the spec means: all keys with their defaults, not how they are written.

    The section `sweep` does not count: it says which other designs there could be. Nor does a key
    that came later, while it has its default: designs of earlier versions keep their hashes.
    """
    data = spec.model_dump(mode="json", by_alias=True)
    data.pop("sweep", None)
    if (data.get("accelerator") or {}).get("fifos") == "auto":
        del data["accelerator"]["fifos"]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check(context: SpecContext) -> Spec:
    document = context.document
    assert document is not None
    form, data, mistakes = _form(document)
    if form is None:
        raise spec_error([*document.mistakes, *mistakes])
    spec: Spec | None = None
    bad_paths: set[KeyPath] = set(document.poisoned)
    try:
        spec = form.model_validate(data, context=context)
    except ValidationError as error:
        details = reported(error.errors(include_url=False), document)
        bad_paths |= {path for path, _ in details}
        mistakes += [
            error_diagnostic(path, detail, document, form, context.sections)
            for path, detail in details[:MAX_DIAGNOSTICS]
        ]
        spec = _without(bad_paths, data, form, context)
    if spec is not None:
        conflicts = [c for c in all_conflicts(spec, context) if not _touches(c, bad_paths)]
        mistakes += [conflict_diagnostic(conflict, document) for conflict in conflicts]
    if spec is None or mistakes or document.mistakes:
        raise spec_error([*document.mistakes, *mistakes])
    return spec


_Form = type[KernelSpec] | type[AcceleratorSpec]


def _form(document: Document) -> tuple[_Form | None, dict[str, object], list[Diagnostic]]:
    """The form of the spec, its data, and the mistakes that choosing found."""
    data = document.data
    if not isinstance(data, dict):
        rule, help = "must be a list of `key: value` lines", "`tilewright init` writes a first spec"
        if data is None:
            rule = "is empty"
        return None, {}, [document.diagnostic((), rule, help=help)]
    if "tilewright" in data and not _is_current(data["tilewright"]):
        if ("tilewright",) in document.poisoned:
            return None, data, []
        rule = f"format version must be {FORMAT_VERSION}"
        help = "this version of tilewright reads no other"
        return None, data, [document.diagnostic(("tilewright",), rule, help=help)]
    has_kernel, has_accelerator = "kernel" in data, "accelerator" in data
    if has_kernel and has_accelerator:
        rule = "must not stand beside `accelerator:`"
        help = "a spec is of one kind: delete one of the two"
        mistake = document.diagnostic(("kernel",), rule, help=help, at_key=True)
        return AcceleratorSpec, {k: v for k, v in data.items() if k != "kernel"}, [mistake]
    if has_kernel or has_accelerator:
        return KernelSpec if has_kernel else AcceleratorSpec, data, []
    return None, data, _formless(document, data)


def _is_current(version: object) -> bool:
    return version == FORMAT_VERSION and isinstance(version, int) and version is not True


def _formless(document: Document, data: dict[str, object]) -> list[Diagnostic]:
    known = [*key_names(KernelSpec), *key_names(AcceleratorSpec)]
    diagnostics = [
        document.diagnostic(
            (),
            "must have a section `kernel:` or `accelerator:`",
            help="`kernel:` for one template with stream ports, `accelerator:` for a whole machine",
        )
    ]
    for key in [str(key) for key in data if key not in known][:MAX_DIAGNOSTICS]:
        meant = closest(key, known)
        help = f"did you mean `{meant}`?" if meant else None
        diagnostics.append(document.diagnostic((key,), "unknown key", help=help, at_key=True))
    return diagnostics


def _without(
    bad_paths: set[KeyPath], data: dict[str, object], form: _Form, context: SpecContext
) -> Spec | None:
    """The spec as if the wrong keys had been left out, for the checks between the other keys.

    Where a section cannot be without such a key, the section is left out, and so on upwards.
    """
    rest = copy.deepcopy(data)
    paths = set(bad_paths)
    for _ in range(MAX_DEPTH):
        for path in paths:
            _remove(rest, path)
        try:
            return form.model_validate(rest, context=context)
        except ValidationError as error:
            locations = {details["loc"][:-1] for details in error.errors(include_url=False)}
            paths = {path for path in locations if path}
        if not paths:
            break
    return None


def _remove(data: dict[str, object], path: KeyPath) -> None:
    holder: object = data
    for step in path[:-1]:
        holder = holder.get(str(step)) if isinstance(holder, dict) else None
    if isinstance(holder, dict) and path:
        holder.pop(path[-1], None)


def _touches(conflict: Conflict, bad_paths: set[KeyPath]) -> bool:
    """Whether a key that the rule read is wrong itself, or has a wrong key in it."""
    for party in (conflict.path, *conflict.parties):
        for bad in bad_paths:
            shorter = min(len(party), len(bad))
            if party[:shorter] == bad[:shorter]:
                return True
    return False
