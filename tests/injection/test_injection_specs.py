"""Every string of a spec, hostile: refused with a located error, or a value that means no harm."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tilewright.board_of_spec import known_boards
from tilewright.spec import SpecError, parse_spec, spec_hash

ROOT = Path(__file__).resolve().parents[2]
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")

KERNEL: dict[str, Any] = {
    "tilewright": 1,
    "name": "kernel",
    "board": "ulx3s-85f",
    "clock": "50MHz",
    "kernel": {
        "template": "systolic",
        "rows": 4,
        "cols": 4,
        "dataflow": "output_stationary",
        "a": "int8",
        "b": "int8",
        "a_feed": "k_inner",
        "b_feed": "k_inner",
        "output": "int8",
        "requantize": {"mode": "exact"},
    },
    "verify": {"samples": 10, "seed": 1},
}
ACCELERATOR: dict[str, Any] = {
    "tilewright": 1,
    "name": "accelerator",
    "model": "digits_mlp.qdq.onnx",
    "board": "ulx3s-85f",
    "accelerator": {
        "scratchpad": {"capacity": "64KiB", "banks": 8},
        "memory": {"bytes_per_cycle": 16, "board_memory": "sdram"},
        "program": "rom",
        "engines": {"array": {"template": "systolic", "rows": 8, "cols": 8}},
    },
    "schedule": {"objective": "cycles", "time_limit": "10s"},
    "verify": {"inputs": "digits_mlp_data.npz", "arrays": {"x": "x_test"}, "labels": "y_test",
               "samples": 100, "batch": 100, "seed": 1},
}  # fmt: skip


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all strings."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, str):
        yield path


def with_value(spec: dict[str, Any], path: tuple[str, ...], text: str) -> dict[str, Any]:
    changed = copy.deepcopy(spec)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return changed


def with_key(spec: dict[str, Any], path: tuple[str, ...], text: str) -> dict[str, Any]:
    """The key of the last step is called `text`."""
    changed = copy.deepcopy(spec)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[text] = place.pop(path[-1])
    return changed


def read(data: dict[str, Any]) -> Any:
    """As a file: JSON is YAML."""
    text = json.dumps(data, indent=1)
    return parse_spec(text, "t.yaml", directory=ROOT / "examples", boards=known_boards())


def check_refusal(error: SpecError, where: str) -> None:
    """Located, and nothing in it that a terminal would obey."""
    assert error.diagnostics, where
    for diagnostic in error.diagnostics:
        assert diagnostic.file == "t.yaml", where
        assert diagnostic.line is not None, where
    rendered = error.render(color=False)
    assert all(c.isprintable() or c == "\n" for c in rendered), where
    assert len(rendered) < 20_000, where


@pytest.mark.parametrize("spec", [KERNEL, ACCELERATOR], ids=lambda spec: spec["name"])
@pytest.mark.parametrize("change", [with_value, with_key])
def test_every_string_of_a_spec(
    spec: dict[str, Any], change: Callable[..., Any], strings: list[str], attempt
) -> None:
    read(spec)
    for path in leaves(spec):
        for text in strings:
            where = f"{'.'.join(path)}: {text[:100]!r}"
            outcome, found = attempt(lambda p=path, t=text: read(change(spec, p, t)), SpecError)
            if outcome == "refused":
                check_refusal(found, where)
            else:
                check_taken(found, path, text, change is with_key, where)


def check_taken(spec: Any, path: tuple[str, ...], text: str, is_key: bool, where: str) -> None:
    """What was taken is a plain name, a relative path, or the name of an array in a file, which is
    only ever looked up there.
    """
    assert IDENTIFIER.fullmatch(spec.name), where
    assert re.fullmatch("[0-9a-f]{64}", spec_hash(spec)), where
    if path[:2] == ("verify", "arrays") or path == ("verify", "labels"):
        return
    if is_key:
        assert path[:2] == ("accelerator", "engines") and IDENTIFIER.fullmatch(text), where
    elif path in {("model",), ("verify", "inputs")}:
        assert text.isprintable() and not Path(text).is_absolute(), where
    else:
        assert path == ("name",) and IDENTIFIER.fullmatch(text), where
