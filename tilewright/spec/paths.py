"""The keys of a spec by their paths, for whoever varies them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from .kinds import Kind, Section
from .model import AcceleratorSpec

NO_CHOICE = ("tilewright", "name", "sweep")
"""Keys that make no other design."""


def spec_keys(spec: AcceleratorSpec) -> dict[str, Kind | None]:
    """Every key that could have another value, by its path, with the kind of its values.

    Keys in sections that the spec does not have are not among them.
    """
    found = dict(_keys(spec, ""))
    return {path: kind for path, kind in found.items() if path.split(".")[0] not in NO_CHOICE}


def _keys(section: Section, prefix: str) -> Iterator[tuple[str, Kind | None]]:
    for name, field in type(section).model_fields.items():
        path, value = f"{prefix}{field.alias or name}", getattr(section, name)
        if isinstance(value, Section):
            yield from _keys(value, f"{path}.")
        elif _is_mapping_of_sections(value):
            for key, inner in value.items():
                yield from _keys(inner, f"{path}.{key}.")
        elif not isinstance(value, Mapping):
            kinds = [item for item in field.metadata if isinstance(item, Kind)]
            yield path, kinds[0] if kinds else None


def absent_keys(spec: AcceleratorSpec) -> dict[str, str]:
    """The keys of sections that the spec does not have, by their paths, each with its section."""
    return dict(_absent(type(spec), spec, ""))


def _absent(kind: type[Section], section: Section, prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in kind.model_fields.items():
        path, value = f"{prefix}{field.alias or name}", getattr(section, name)
        if isinstance(value, Section):
            yield from _absent(type(value), value, f"{path}.")
        elif value is None and path not in NO_CHOICE:
            for inner in get_args(field.annotation):
                if isinstance(inner, type) and issubclass(inner, Section):
                    for key, of in inner.model_fields.items():
                        yield f"{path}.{of.alias or key}", path


def _is_mapping_of_sections(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(v, Section) for v in value.values())
