"""docs/spec.md is generated from the schema; each key is there, with the default that it has."""

import re
from pathlib import Path

from tilewright.catalog import spec_sections
from tilewright.spec import json_schema
from tilewright.spec.page import spec_page

PAGE = Path(__file__).parents[1] / "docs" / "spec.md"


def test_the_page_is_up_to_date() -> None:
    expected = spec_page(json_schema(spec_sections()))
    assert PAGE.read_text(encoding="utf-8") == expected, (
        "to write it: python tests/test_docs_spec.py"
    )


def test_every_key_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    schema = json_schema(spec_sections())
    for name, definition in schema["$defs"].items():
        for key in definition.get("properties", {}):
            found = re.search(rf"`([A-Za-z_]+(\[\])?\.)*{key}`", text)
            assert found, f"{name}.{key} is not on the page"


def test_no_default_is_told_twice_or_lost() -> None:
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert len(rows) > 30
    for row in rows:
        assert "Default" not in row, row
    assert "| `accelerator.memory.latency_cycles` | 1 to 10,000 | `40` |" in "\n".join(rows)


def test_a_key_that_is_added_changes_the_page() -> None:
    schema = json_schema(spec_sections())
    section = schema["$defs"]["MemorySection"]["properties"]
    section["extra"] = {"type": "integer", "minimum": 1, "maximum": 2, "description": "New."}
    assert "`accelerator.memory.extra`" in spec_page(schema)


if __name__ == "__main__":
    PAGE.write_text(spec_page(json_schema(spec_sections())), encoding="utf-8")
