"""The page of a plan: what it draws, and that no name can act on it."""

import html.parser
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tilewright.flow.plan_page_parts import SCRIPT


class Page(html.parser.HTMLParser):
    """Tags with attributes, texts by tag; an unknown or unclosed tag would show in both."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]


def page_of(planned_json: Any, *arguments: str) -> Page:
    planned_json(*arguments, "--out", "there")
    return Page(Path("there/plan.html").read_text())


def test_the_page_draws_every_residence_and_transfer(graph: Path, planned_json: Any) -> None:
    page = page_of(planned_json, "skip.json", "--weights", "all", "--budget", "33")
    boxes = page.of_class("box")
    plan = json.loads(Path("there/plan.json").read_text())["plan"]
    assert len(boxes) == len(plan["residences"]) == 7
    for box, residence in zip(boxes, plan["residences"], strict=True):
        count = residence["last"] - residence["first"] + 1
        assert f"--a:{residence['first']};--n:{count};" in (box["style"] or "")
        assert f"address {residence['offset']:,} to" in (box["title"] or "")
    kinds = [(box["class"] or "").split()[1] for box in boxes]
    assert (kinds.count("leaves"), kinds.count("back"), kinds.count("first")) == (1, 1, 1)
    marks = [(mark["class"] or "").split()[1] for mark in page.of_class("mark")]
    assert sorted(marks) == ["back", "first", "leaves", "result"]
    operators = [a["title"] or "" for a in page.of_class("op")]
    assert [title.split("\n")[0] for title in operators] == [
        "0: 0:first", "1: 1:next", "2: 2:wide", "3: 3:thin", "4: 4:join",
    ]  # fmt: skip
    back = next(box for box in boxes if "back" in (box["class"] or ""))
    assert "loaded before 4:join" in (back["title"] or "")


def test_the_page_needs_no_network_and_runs_one_script(graph: Path, planned_json: Any) -> None:
    page = page_of(planned_json, "skip.json")
    assert next(text for tag, text in page.texts if tag == "script") == SCRIPT
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "link", "iframe", "object", "a"} & {tag for tag, _ in page.tags}
    assert not [a for _, a in page.tags if {"src", "href", "onclick", "onload"} & set(a)]
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


HOSTILE = (
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    '" onmouseover="alert(3)" x="',
    "' onfocus='alert(4)",
    "&lt;b&gt;&#x3c;",
    "\x1b]0;x\x07\x00\u202etxt",
    "</style></div><img src=x onerror=alert(5)>",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_act_on_the_page(
    graph: Path, name: str, planned_json: Any, skip_graph: Any
) -> None:
    plain = page_of(planned_json, "skip.json")
    names = dict.fromkeys(("A", "B", "wide", "join", "graph"), name)
    graph.write_text(json.dumps(skip_graph(**names)))
    page = page_of(planned_json, "skip.json")
    text = Path("there/plan.html").read_text()
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(a) for _, a in page.tags] == [sorted(a) for _, a in plain.tags]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    if name.isprintable():
        assert f"0:{name}" in (page.of_class("box")[0]["title"] or "")
