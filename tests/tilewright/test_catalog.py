"""The catalog: entries are complete, load nothing early, and a package's mistakes are named."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tilewright import catalog
from tilewright.catalog import BUILT_IN, PARTS, CatalogError, Template, find_template, templates

PLACES = dict.fromkeys(PARTS, "json:dumps")


def entry(template: Any, name: str = "mine", owner: str = "their-package") -> SimpleNamespace:
    def load() -> Any:
        if isinstance(template, Exception):
            raise template
        return template

    return SimpleNamespace(
        name=name, value="their.module:entry", dist=SimpleNamespace(name=owner), load=load
    )


def install(monkeypatch: pytest.MonkeyPatch, *points: SimpleNamespace) -> None:
    def entry_points(*, group: str) -> list[SimpleNamespace]:
        assert group == "tilewright.templates"
        return list(points)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_built_in_templates_follow_one_basename() -> None:
    for template in BUILT_IN:
        assert templates()[template.name] == template
        for part in ("params", "mapping", "cost", "rtl"):
            assert getattr(template, part).startswith(f"tilewright.hw.{template.name}.{part}")
        assert template.golden.startswith(f"tilewright.sim.golden.{template.name}:")
        assert template.bench.startswith("tilewright.sim.benches.")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("template", BUILT_IN, ids=lambda template: template.name)
def test_every_part_can_be_loaded(template: Template, part: str) -> None:
    if part == "bench":  # runs inside a simulator only
        assert importlib.util.find_spec(template.bench.partition(":")[0]) is not None
    else:
        assert template.load(part) is not None


def test_listing_loads_no_part() -> None:
    text = (
        "import sys, tilewright.catalog as c; c.templates()\n"
        "print(sorted(m for m in sys.modules if 'amaranth' in m or 'tilewright.hw' in m))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_package_adds_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Template(name="mine", summary="", **PLACES)
    install(monkeypatch, entry(mine))
    assert find_template("mine") is mine
    assert list(templates()) == sorted(["mine", *(template.name for template in BUILT_IN)])
    assert mine.load("cost")([1]) == "[1]"


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([entry(ImportError("no module gone"))], "their-package: entry point mine .* gone"),
        ([entry("a string")], "not a tilewright Template"),
        (
            [entry(Template(name="systolic", summary="", **PLACES))],
            "both tilewright and their-package",
        ),
        (
            [
                entry(Template(name="x", summary="", **PLACES), "a", "first"),
                entry(Template(name="x", summary="", **PLACES), "b", "second"),
            ],
            "both first and second",
        ),
    ],
)
def test_mistakes_of_packages_name_their_owner(
    monkeypatch: pytest.MonkeyPatch, points: list[SimpleNamespace], message: str
) -> None:
    install(monkeypatch, *points)
    with pytest.raises(CatalogError, match=message):
        templates()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Bad Name"}, "a name is"),
        ({"name": "a" * 64}, "a name is"),
        ({"rtl": "two:colons:here"}, "rtl is `module:name`"),
        ({"rtl": "os:system('x')"}, "rtl is `module:name`"),
        ({"bench": 3}, "bench is `module:name`"),
    ],
)
def test_a_wrong_entry_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        Template(**{"name": "good", "summary": "", **PLACES, **changes})


def test_wrong_places_are_errors_with_names() -> None:
    for place in ("no_such_module_anywhere:x", "json:no_such_name"):
        wrong = Template(**{"name": "wrong", "summary": "", **PLACES, "cost": place})
        with pytest.raises(CatalogError, match="template wrong: cost"):
            wrong.load("cost")
    with pytest.raises(ValueError, match="part is one of"):
        BUILT_IN[0].load("colour")
    with pytest.raises(CatalogError, match="no template 'nothing'"):
        find_template("nothing")


def test_parts_are_all_fields_but_the_words() -> None:
    assert {"section", "params", "mapping", "cost", "rtl", "golden", "bench"} <= set(catalog.PARTS)
    assert not {"name", "summary"} & set(catalog.PARTS)
