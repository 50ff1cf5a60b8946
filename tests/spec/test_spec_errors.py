"""Every bad spec in tests/errors gives exactly the text beside it, and every message is located.

After a wanted change of a message: `python tests/spec/test_spec_errors.py` writes the expectations
anew; read the difference before committing it.
"""

import re
from pathlib import Path

import pytest

from tilewright.board_of_spec import known_boards
from tilewright.spec import SpecError, parse_spec
from tilewright.spec.source import decode_source

FOLDER = Path(__file__).resolve().parent.parent / "errors"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
LOCATED = re.compile(r"[a-z0-9_]+\.yaml:[0-9]+:[0-9]+: error: \S")


def errors_of(case: str) -> SpecError | None:
    path = FOLDER / f"{case}.yaml"
    try:
        text = decode_source(path.read_bytes(), path.name)
        parse_spec(text, path.name, directory=FOLDER, boards=known_boards())
    except SpecError as error:
        return error
    return None


@pytest.mark.parametrize("case", CASES)
def test_message(case: str) -> None:
    error = errors_of(case)
    assert error is not None, f"{case}: this spec is taken as good"
    assert f"{error}\n" == (FOLDER / f"{case}.expect").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_is_located_and_safe_to_print(case: str) -> None:
    error = errors_of(case)
    assert error is not None
    for diagnostic in error.diagnostics:
        text = diagnostic.render()
        assert LOCATED.match(text), text
        assert all(c.isprintable() or c == "\n" for c in text), text
        assert len(text.splitlines()) >= 3, f"no source line and caret: {text}"


def test_expectations_have_specs() -> None:
    stems = {path.stem for path in FOLDER.glob("*.expect") if (FOLDER / path.stem).suffix == ""}
    assert len(CASES) >= 140
    assert set(CASES) <= stems


if __name__ == "__main__":
    for name in CASES:
        (FOLDER / f"{name}.expect").write_text(f"{errors_of(name)}\n", encoding="utf-8")
