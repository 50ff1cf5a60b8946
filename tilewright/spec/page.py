"""`docs/spec.md`: every key of a spec, as the JSON Schema has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

TITLE = "Keys of a spec"
_INTRO = f"""\
# {TITLE}

This page is made from the JSON Schema (`tilewright schema`), and a test compares the two. A spec is
YAML 1.2 in UTF-8 of at most 256 KiB: no anchors, no tags, no key twice. It has one of two forms, a
*kernel* (`kernel:`) or an *accelerator* (`accelerator:`). Sizes are written with their unit
(`64KiB`), times (`10s`) and frequencies (`25MHz`) too. A key that the page does not list is a
mistake; `tilewright check` reports all mistakes at once, each with its place.
"""
_FORMS = (
    ("Kernel", "KernelSpec", ""),
    ("Accelerator", "AcceleratorSpec", ""),
)
_DEFAULT = re.compile(r"\s*Default:? (?P<value>.+?)\.$")
_MAX_CHOICES = 8
_WORDS = {"boolean": "true, false", "string": "text", "array": "list"}
"""Types of JSON Schema in the words of the page, where a key takes several."""


def spec_page(schema: Mapping[str, Any]) -> str:
    """The page for `schema`, what `json_schema` returns."""
    definitions = schema["$defs"]
    parts = [_INTRO]
    for title, definition, prefix in _FORMS:
        lines = [f"## {title}", "", definitions[definition]["description"], ""]
        rows = list(_rows(definitions, definition, prefix))
        parts.append("\n".join([*lines, *_table(rows)]) + "\n")
    for reference in definitions["TemplateSection"]["oneOf"]:
        section = _definition(reference)
        name = definitions[section]["properties"]["template"]["const"]
        lines = [f"## Template `{name}`", "", definitions[section]["description"], ""]
        lines[2] += " Its keys stand under `kernel:` or under `accelerator.engines.NAME:`."
        parts.append("\n".join([*lines, *_table(list(_rows(definitions, section, "")))]) + "\n")
    return "\n".join(parts)


def _table(rows: list[tuple[str, str, str, str]]) -> list[str]:
    head = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return head + ["| " + " | ".join(cells) + " |" for cells in rows]


def _rows(
    definitions: Mapping[str, Any], definition: str, prefix: str
) -> Iterator[tuple[str, str, str, str]]:
    """Key, kind of value, default, meaning of each key of a section and of those inside it."""
    section = definitions[definition]
    required = section.get("required", ())
    # What must be written comes first, in the order of the section; schema keys are sorted.
    names = [*required, *(name for name in section["properties"] if name not in required)]
    for name in names:
        entry = section["properties"][name]
        inner = _inner(entry)
        text = entry.get("description") or definitions[inner or ""]["description"]
        found = _DEFAULT.search(text)
        meaning = _DEFAULT.sub("", text)
        if name in required:
            default = "required"
        elif found:
            default = f"`{found['value']}`" if " " not in found["value"] else found["value"]
        else:
            default = "none" if inner is None else ""
        yield f"`{prefix}{name}`", _kind(entry, inner), default, meaning.replace("|", "\\|")
        if inner is not None and inner != "TemplateSection":
            yield from _rows(definitions, inner, f"{prefix}{name}.")
        for many, step in (("additionalProperties", ".NAME."), ("items", "[].")):
            held = _inner(entry[many]) if isinstance(entry.get(many), dict) else None
            if held is not None:
                yield from _rows(definitions, held, f"{prefix}{name}{step}")


def _inner(entry: Mapping[str, Any]) -> str | None:
    """The definition of the section that stands at a key, if one does."""
    for choice in (entry, *entry.get("anyOf", ())):
        if "$ref" in choice:
            return _definition(choice)
    return None


def _definition(entry: Mapping[str, Any]) -> str:
    reference: str = entry["$ref"]
    return reference.rpartition("/")[2]


def _kind(entry: Mapping[str, Any], inner: str | None) -> str:
    """What may stand at a key, in a few words."""
    if inner is not None:
        return "a template's keys" if inner == "TemplateSection" else "section"
    if "const" in entry:
        return f"`{json.dumps(entry['const']).strip(chr(34))}`"
    if "enum" in entry:
        words = {True: "true", False: "false"} if entry["enum"] == [True, False] else {}
        choices = [words.get(choice, str(choice)) for choice in entry["enum"]]
        if len(choices) > _MAX_CHOICES:
            return _ranges(choices)
        return ", ".join(f"`{choice}`" for choice in choices)
    if isinstance(entry["type"], list):
        return " or ".join(_WORDS.get(word, str(word)) for word in entry["type"])
    if entry["type"] == "array":
        return "list of values" if _inner(entry["items"]) is None else "list"
    if entry["type"] == "number":
        return "number"
    if entry["type"] == "integer":
        return f"{entry['minimum']} to {_bound(entry['maximum'])}"
    if entry["type"] == "object":
        return _mapping_kind(entry)
    if "KiB" in entry.get("pattern", ""):
        return "size: `B`, `KiB`, `MiB`, `GiB`"
    if "MHz" in entry.get("pattern", ""):
        return "frequency: `Hz`, `kHz`, `MHz`, `GHz`"
    if "min" in entry.get("pattern", ""):
        return "time: `ms`, `s`, `min`, `h`"
    return "text"


def _mapping_kind(entry: Mapping[str, Any]) -> str:
    """What a mapping maps names to."""
    if "maxProperties" in entry:
        return "path and values"
    has_sections = "patternProperties" in entry or _inner(entry["additionalProperties"]) is not None
    return "names and sections" if has_sections else "names and names"


def _ranges(choices: list[str]) -> str:
    """Number formats that follow each other as `first`..`last` of each family."""
    families: dict[str, list[str]] = {}
    for choice in choices:
        families.setdefault(choice.rstrip("0123456789"), []).append(choice)
    return ", ".join(f"`{family[0]}`..`{family[-1]}`" for family in families.values())


def _bound(value: int) -> str:
    return "2^63 - 1" if value == 2**63 - 1 else f"{value:,}"
