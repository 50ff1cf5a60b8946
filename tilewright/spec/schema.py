"""The JSON Schema of a spec, for editors and other tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from .model import AcceleratorSpec, KernelSpec
from .numbers import NumberFormat, format_duration, format_size
from .sections import BUILTIN_SECTIONS, TemplateSection
from .sections.base import SECTION_MARK

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(
    sections: Mapping[str, type[TemplateSection]] = BUILTIN_SECTIONS,
) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of both forms, with the keys of the given templates."""
    models: list[type[Any]] = [KernelSpec, AcceleratorSpec, *sections.values()]
    found, schema = models_json_schema([(model, "validation") for model in models], by_alias=True)
    references = {model: entry["$ref"] for (model, _), entry in found.items()}
    definitions: dict[str, Any] = dict(schema["$defs"])
    for name, section in sections.items():
        template = definitions[_definition(references[section])]["properties"]["template"]
        template.pop("enum", None)
        template["const"] = name
    definitions["TemplateSection"] = {
        "description": "A template and its keys.",
        "oneOf": [{"$ref": references[section]} for section in sections.values()],
    }
    definitions = _with_reference(definitions)
    accelerator = definitions[_definition(references[AcceleratorSpec])]
    accelerator["anyOf"] = [{"required": ["model"]}, {"required": ["sweep"]}]
    for model in (KernelSpec, AcceleratorSpec):
        version = definitions[_definition(references[model])]["properties"]["tilewright"]
        version.update({"const": 1})
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "Tilewright spec",
        "description": "A kernel (`kernel:`) or a whole accelerator (`accelerator:`).",
        "type": "object",
        "required": ["tilewright", "name"],
        "oneOf": [{"$ref": references[KernelSpec]}, {"$ref": references[AcceleratorSpec]}],
        "$defs": definitions,
    }


def _definition(reference: str) -> str:
    return reference.rpartition("/")[2]


def _with_reference(schema: Any) -> Any:
    """`schema` with template sections' marks replaced by a reference, and without null defaults."""
    if isinstance(schema, list):
        return [_with_reference(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    entries = {key: _with_reference(value) for key, value in schema.items()}
    if entries.pop(SECTION_MARK, False):
        entries["$ref"] = "#/$defs/TemplateSection"
    if "patternProperties" in entries:
        entries["additionalProperties"] = False
    if "default" in entries and entries["default"] in (None, ""):
        del entries["default"]
    elif "default" in entries:
        entries["default"] = _as_written(entries["default"], entries.get("pattern", ""))
    return entries


def _as_written(default: Any, pattern: str) -> Any:
    """A default as a user would write it: with its unit, or by its name."""
    if isinstance(default, dict) and set(default) == {"bits", "signed"}:
        return str(NumberFormat(default["bits"], default["signed"]))
    if isinstance(default, dict):
        return {key: value for key, value in default.items() if value is not None}
    if "KiB" in pattern and isinstance(default, int):
        return format_size(default)
    if "min" in pattern and isinstance(default, float):
        return format_duration(default)
    return default
