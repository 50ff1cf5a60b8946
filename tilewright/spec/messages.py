"""pydantic's errors and our conflicts in the words of a spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic_core import ErrorDetails

from .composer import KeyPath
from .diagnostics import Diagnostic, suggestion
from .kinds import MISTAKE, Section
from .sections.base import Conflict, TemplateSection
from .source import Document

Sections = Mapping[str, type[TemplateSection]]

_EXAMPLE_VALUES = {"tilewright": "tilewright: 1", "name": "name: my_design"}


def key_names(model: type[Section]) -> list[str]:
    """The keys of a section as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def section_at(
    path: KeyPath, root: type[Section], data: object, sections: Sections
) -> type[Section] | None:
    """The model of the section at `path`, as far as the spec's structure tells."""
    model: type[Section] = root
    steps = iter(path)
    for step in steps:
        data = data.get(str(step)) if isinstance(data, dict) else None
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        field = fields.get(str(step))
        found, is_mapping = _section_in(field.annotation) if field else (None, False)
        if found is None:
            return None
        if is_mapping:
            data = _entry(data, next(steps, None))
        if found is TemplateSection:
            template = data.get("template") if isinstance(data, dict) else None
            found = sections.get(template) if isinstance(template, str) else None
        if found is None:
            return None
        model = found
    return model


def _entry(data: object, step: str | int | None) -> object:
    """What a mapping or a list has at a step."""
    if isinstance(data, list) and isinstance(step, int):
        return data[step] if step < len(data) else None
    return data.get(str(step)) if isinstance(data, dict) else None


def _section_in(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section class inside an annotation, and whether a mapping or a list holds it."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    origin = get_origin(annotation)
    is_mapping = isinstance(origin, type) and issubclass(origin, (Mapping, tuple))
    for argument in get_args(annotation):
        found, is_inner_mapping = _section_in(argument)
        if found is not None:
            return found, is_mapping or is_inner_mapping
    return None, False


def error_diagnostic(
    path: KeyPath,
    detail: ErrorDetails,
    document: Document,
    root: type[Section],
    sections: Sections,
) -> Diagnostic:
    """One of pydantic's errors as a located message."""
    context = detail.get("ctx") or {}
    if detail["type"] == "extra_forbidden":
        model = section_at(path[:-1], root, document.data, sections)
        help = suggestion(str(path[-1]), key_names(model), "key") if model else None
        return document.diagnostic(path, "unknown key", help=help, at_key=True)
    if detail["type"] == "missing":
        return document.diagnostic(
            path, "is missing", help=_missing_help(path, root, document.data, sections)
        )
    if detail["type"] in ("model_type", "model_attributes_type"):
        rule, help = "must be a section of `key: value` lines", None
        if detail["input"] is None:
            help = "write its keys below it, or delete it"
        return _at_value(path, rule, help, detail["input"], document)
    if detail["type"] == MISTAKE:
        rule = str(context["rule"])
        at_key = detail["loc"][-1:] == ("[key]",)
        if rule == "is missing" or at_key:
            value = str(detail["input"]) if at_key else None
            return document.diagnostic(
                path, rule, help=context.get("help"), value=value, at_key=at_key
            )
        return _at_value(path, rule, context.get("help"), detail["input"], document)
    rule = detail["msg"][:1].lower() + detail["msg"][1:]
    return _at_value(path, rule, None, detail["input"], document)


def _missing_help(
    path: KeyPath, root: type[Section], data: object, sections: Sections
) -> str | None:
    key = str(path[-1])
    if key in _EXAMPLE_VALUES:
        return f"add for example `{_EXAMPLE_VALUES[key]}`"
    model = section_at(path[:-1], root, data, sections)
    for name, field in model.model_fields.items() if model else ():
        if key == (field.alias or name) and field.description:
            return f"`{key}`: {field.description}"
    return None


def _at_value(
    path: KeyPath, rule: str, help: str | None, found: object, document: Document
) -> Diagnostic:
    value = None if path in document.places else _data_text(found)
    return document.diagnostic(path, rule, help=help, value=value)


def _data_text(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    is_plain = value is None or isinstance(value, (bool, int, float))
    return json.dumps(value) if is_plain else str(value)


def conflict_diagnostic(conflict: Conflict, document: Document) -> Diagnostic:
    """A rule between keys as a located message."""
    place = document.places.get(conflict.path)
    is_section = place is not None and place.text in ("a mapping", "a list")
    return document.diagnostic(
        conflict.path,
        conflict.rule,
        help=conflict.help,
        value=conflict.value,
        at_key=is_section,
    )
