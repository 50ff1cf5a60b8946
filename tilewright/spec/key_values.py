"""What the keys of a spec say, by their paths."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .model import Spec
from .paths import NO_CHOICE

Scalar = bool | int | float | str


def key_values(spec: Spec, but: Collection[str] = ()) -> dict[str, Scalar]:
    """Every key as a spec writes it, defaults too; without the paths `but` and what makes no other
    design.
    """
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = {name: value for name, value in data.items() if name not in NO_CHOICE}
    return {path: value for path, value in flat(kept) if path not in but}


def flat(data: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """Plain data by path; a list is its JSON, and None is left out."""
    for path, value in leaves(data):
        if isinstance(value, list):
            yield path, json.dumps(value)
        elif isinstance(value, bool | int | float | str):
            yield path, value


def leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What is no mapping itself, by path."""
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
