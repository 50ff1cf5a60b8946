"""Sweeps of tests are made by `report_fixtures.py`; Chromium is driven by `parts/browser.py` of the
benchmarks, which time the same page.
"""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser import Browser

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "parts"))

STRINGS = Path(__file__).parents[2] / "injection" / "strings.json"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """One for all pages, as wide as a laptop."""
    from browser import Browser
    from page_parts import LAPTOP

    found = Browser(tmp_path_factory.mktemp("profile"), width=LAPTOP[0], height=LAPTOP[1])
    yield found
    found.close()


@pytest.fixture(scope="session")
def hostile() -> list[str]:
    """Every string of the corpus, each once; no file would be written by one, no name is known."""
    entries = json.loads(STRINGS.read_text())
    texts = [entry["text"] * entry.get("times", 1) for entry in entries]
    assert len(texts) > 300
    return list(dict.fromkeys(texts))


@pytest.fixture(scope="session")
def hostile_sweep(hostile: list[str]):
    """A sweep with hostile text wherever text is."""
    from report_fixtures import made_sweep
    from tilewright.dse.sweep_file import SpaceSummary, SweptParameter
    from tilewright.dse.sweep_tasks import Failed

    file = made_sweep(len(hostile))
    num = len(file.columns["index"])
    values = tuple(hostile[:num])
    parameters = (
        *file.space.parameters,
        *(
            SweptParameter(path=f"{text}.{place}", values=(place,))
            for place, text in enumerate(hostile[:40])
        ),
        SweptParameter(path="text", values=values),
    )
    columns = dict(file.columns) | {"text": values}
    columns |= {f"{text}.{place}": (place,) * num for place, text in enumerate(hostile[:40])}
    wrong = tuple(
        dataclasses.replace(one, error=hostile[place], is_equal=False)
        for place, one in enumerate(file.confirmations)
    )
    return dataclasses.replace(
        file,
        name=hostile[7],
        context={f"{place} {text}": text for place, text in enumerate(hostile)},
        space=SpaceSummary(size=num, parameters=parameters),
        coverage=dataclasses.replace(file.coverage, text=hostile[11]),
        metrics={
            name: dataclasses.replace(source, provenance=hostile[20 + i], error=hostile[60 + i])
            for i, (name, source) in enumerate(file.metrics.items())
        },
        columns=columns,
        notes=tuple(hostile),
        failures=tuple(
            Failed(start=i, stop=i + 1, error=text) for i, text in enumerate(hostile[:90])
        ),
        confirmations=wrong,
    )
