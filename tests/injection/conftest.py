"""Hostile strings, and a file that only a string that was obeyed can make.

`strings.json` has them by kind; `CANARY` in one is the path of that file. None may ever appear.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STRINGS = json.loads(Path(__file__).with_name("strings.json").read_text())
KINDS = sorted({entry["kind"] for entry in STRINGS})


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of hostile string in turn."""
    return str(request.param)


@pytest.fixture
def canary(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The path of the file; the test runs in its empty folder and must leave it empty."""
    folder = tmp_path_factory.mktemp("canary")
    monkeypatch.chdir(folder)
    yield folder / "canary"
    assert list(folder.iterdir()) == []


@pytest.fixture
def strings(kind: str, canary: Path) -> list[str]:
    """The strings of a kind."""
    return [text for name, text in _texts(canary) if name == kind]


@pytest.fixture
def every_string(canary: Path) -> list[str]:
    """The strings of all kinds."""
    return [text for _, text in _texts(canary)]


def _texts(canary: Path) -> list[tuple[str, str]]:
    return [
        (entry["kind"], entry["text"].replace("CANARY", str(canary)) * entry.get("times", 1))
        for entry in STRINGS
    ]


Outcome = tuple[str, Any]


@pytest.fixture
def attempt() -> Callable[..., Outcome]:
    """`attempt(call, *errors)`: ("refused", error) for one of `errors`, else ("taken", result)."""

    def run(call: Callable[[], Any], *errors: type[Exception]) -> Outcome:
        try:
            return "taken", call()
        except errors as error:
            return "refused", error

    return run
