"""The page of a sweep without a browser: it needs nothing, obeys nobody, and says what is true."""

import base64
import dataclasses
import hashlib
import html.parser
import json
import re

import pytest
from report_fixtures import made_details, made_sweep
from tilewright.dse.report import page
from tilewright.dse.report.diff import compare
from tilewright.dse.report.diff_page import diff_page
from tilewright.dse.report.page_data import first_row, short_names
from tilewright.dse.report.sections import MAX_NOTES
from tilewright.dse.report.text import json_block, number_text, percent_text, setting_text
from tilewright.dse.sweep_file import SweepFile

VOID = {"meta", "input", "link", "br", "img"}


class Reader(html.parser.HTMLParser):
    """Tags with attributes, text by the tag it is in; every tag must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def data_of(reader: Reader) -> dict:
    """What the script gets."""
    found = "".join(text for tag, text in reader.texts if tag == "script").split("\n'use strict'")
    return json.loads(found[0])


@pytest.fixture(scope="module")
def sweep() -> SweepFile:
    return made_sweep(300)


@pytest.fixture(scope="module")
def text(sweep: SweepFile) -> str:
    return page.sweep_page(sweep, made_details(sweep, 2))


def check_policy(text: str) -> None:
    """Only what the policy names by its hash, nothing inline, nothing from outside."""
    reader = read(text)
    metas = [of["content"] for tag, of in reader.tags if of.get("http-equiv")]
    assert metas[0].startswith("default-src 'none'; ")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for body in [*scripts, *styles]:
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in metas[0]
    assert len(styles) == 1
    for tag, attributes in reader.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "form", "base"), tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "src", "srcset", "action"), (tag, name)
            if name == "href":
                assert value.startswith("#")
    assert "unsafe" not in metas[0]


def test_policy(text: str) -> None:
    check_policy(text)
    assert len(re.findall("<script", text)) == 2


def test_scripts_ask_for_nothing() -> None:
    script = page.script_text()
    for word in ("fetch(", "XMLHttpRequest", "import(", "WebSocket", "innerHTML", "eval(", "http"):
        assert word not in script.replace("http://www.w3.org/2000/svg", ""), word


def test_same_bytes(sweep: SweepFile, text: str) -> None:
    assert page.sweep_page(sweep, made_details(sweep, 2)) == text


def test_what_the_script_gets(sweep: SweepFile, text: str) -> None:
    data = data_of(read(text))
    assert data["num_rows"] == len(sweep.columns["index"])
    for parameter in data["parameters"]:
        told = [parameter["values"][code] for code in parameter["codes"]]
        assert tuple(told) == sweep.columns[parameter["path"]]
    for metric in data["metrics"]:
        assert metric["values"] == pytest.approx(list(sweep.columns[metric["name"]]), rel=1e-6)
    assert [sweep.columns["index"][row] for row in data["front"]] == list(sweep.front)
    assert sorted(map(int, data["details"])) == sorted(sweep.front[:2])
    assert data["first"] in data["front"][:2]


def test_facts(sweep: SweepFile, text: str) -> None:
    words = " ".join(text for tag, text in read(text).texts if tag not in ("script", "style"))
    told = [f"{len(sweep.front):,}", f"{sweep.coverage.num_feasible:,}", "fitted to 193 designs"]
    best = min(sweep.columns["lut"][sweep.row_of(index)] for index in sweep.front)
    for part in (*told, number_text(best), "within 8 % of held-out runs", "not known"):
        assert part in words, part


def test_hostile_text(hostile_sweep: SweepFile) -> None:
    text = page.sweep_page(hostile_sweep, {})
    check_policy(text)
    reader = read(text)
    data = data_of(reader)
    told = data["parameters"][-1]
    assert tuple(told["values"][c] for c in told["codes"]) == hostile_sweep.columns["text"]
    harmless = read(page.sweep_page(dataclasses.replace(hostile_sweep, name="x", notes=()), {}))
    assert len(reader.tags) == len(harmless.tags) + MAX_NOTES + 1
    for block in re.findall(
        r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL
    ):
        assert not set(block) & set("<>&\u2028\u2029")


def test_hostile_difference(hostile_sweep: SweepFile) -> None:
    other = made_sweep(100)
    text = diff_page(compare(hostile_sweep, other), hostile_sweep, other)
    check_policy(text)


def test_no_design_at_all() -> None:
    file = made_sweep(40)
    empty = dataclasses.replace(
        file,
        columns=dict.fromkeys(file.columns, ()),
        front=(),
        confirmations=(),
        coverage=dataclasses.replace(
            file.coverage, num_evaluated=0, num_feasible=0, hypervolume=None
        ),
    )
    assert first_row(empty) == -1
    text = page.sweep_page(empty, {})
    check_policy(text)
    assert '<span class="badge bad">no design has numbers</span>' in text
    assert "whole space" not in text


def test_designs_without_numbers_were_evaluated(sweep: SweepFile) -> None:
    num = len(sweep.columns["index"])
    coverage = dataclasses.replace(sweep.coverage, num_failed=20)
    space = dataclasses.replace(sweep.space, size=num + 20)
    text = page.sweep_page(dataclasses.replace(sweep, coverage=coverage, space=space), {})
    assert f"<dt>designs evaluated</dt><dd>{num + 20} <small>of {num + 20}</small>" in text
    assert f"<dt>have numbers</dt><dd>{num} <small>20 failed</small>" in text


def test_short_names() -> None:
    paths = ["a.rows", "b.rows", "b.cols", "rows"]
    assert short_names(paths) == {
        "a.rows": "a.rows",
        "b.rows": "b.rows",
        "b.cols": "cols",
        "rows": "rows",
    }


def test_texts() -> None:
    assert [number_text(v) for v in (0, 1234.0, 0.12345, 12345.6, 2.5e12)] == [
        "0", "1,234", "0.1235", "12,346", "2.5e+12",
    ]  # fmt: skip
    assert setting_text(65536, "B") == "64 KiB"
    assert setting_text(None) == "none"
    assert setting_text(True) == "True"
    assert [percent_text(r) for r in (1.0, 0.5, 1.042, 12.0)] == ["0 %", "-50 %", "+4.2 %", "x 12"]
    assert json_block("</script>") == '"\\u003c/script\\u003e"'
