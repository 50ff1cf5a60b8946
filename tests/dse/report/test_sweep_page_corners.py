"""Pages of sweeps with hardly a design, or with none that is good, in a headless Chromium."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser, find_chromium
from page_parts import RECORD, drawn, text
from report_fixtures import ENGINE, made_details, made_sweep
from tilewright.dse.point_detail import PointDetail
from tilewright.dse.report.page import sweep_page
from tilewright.dse.report.page_data import first_row
from tilewright.dse.sweep_file import SweepFile

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="needs a Chromium: apt-get install chromium"
)
SWEEP = made_sweep(60)
LUTS = SWEEP.columns["lut"]
LONG = "cycles: 0.2 % mean, 2 % worst of 38 layers of networks; clock: 12.2 % mean, 40 % worst"
Show = Callable[..., Browser]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the page of a sweep; nothing is complained of."""
    known = browser.call("Page.addScriptToEvaluateOnNewDocument", source=RECORD)["identifier"]

    def opened(file: SweepFile, details: dict[int, PointDetail] | None = None) -> Browser:
        path = tmp_path / "report.html"
        path.write_text(sweep_page(file, details or {}), encoding="utf-8")
        browser.problems.clear()
        browser.open(path)
        return browser

    yield opened
    assert browser.problems == []
    browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=known)


def with_columns(**columns: tuple) -> SweepFile:
    """The first designs, as many as the columns have rows; all are on the front."""
    num = len(next(iter(columns.values())))
    kept = {name: column[:num] for name, column in SWEEP.columns.items()}
    return dataclasses.replace(
        SWEEP, columns={**kept, **columns}, front=tuple(range(num)), confirmations=()
    )


def bounded(most: float, file: SweepFile = SWEEP) -> SweepFile:
    """The same with another bound of LUT, and without a front."""
    one = dataclasses.replace(file.constraints[0], maximum=most)
    return dataclasses.replace(file, constraints=(one,), front=(), confirmations=())


def test_errors_are_whole_and_inside_the_panel(show: Show) -> None:
    sources = {n: dataclasses.replace(s, error=LONG) for n, s in SWEEP.metrics.items()}
    name = "energy_by_a_table_with_a_long_name"
    columns = {**SWEEP.columns, name: SWEEP.columns["energy_uj"]}
    sources[name] = dataclasses.replace(sources["energy_uj"], error=f"{LONG}, much more")
    shown = show(dataclasses.replace(SWEEP, metrics=sources, columns=columns))
    card = text(shown, "card")
    assert LONG in card and f"{LONG}, much more" in card and "as cycles" in card
    cut = shown.value(
        "[document.getElementById('selected'), ...document.querySelectorAll('#card *')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "
        "'inline').map((e) => e.outerHTML.slice(0, 90))"
    )
    assert cut == []


def test_ticks_tell_values_apart(show: Show) -> None:
    file = with_columns(
        cycles=(214738, 214741), latency_us=(308.01, 308.04), clock_mhz=(74.5, 74.5)
    )
    shown = show(file)
    by_axis: dict[int, list[str]] = {}
    for words, x, y in drawn(shown, "parallel"):
        if y > 54 and words != "stationary":
            by_axis.setdefault(x, []).append(words)
    assert len(by_axis) > 6
    for words in by_axis.values():
        assert len(words) == len(set(words)), words
    told = [sorted(words) for words in by_axis.values()]
    assert ["74.5"] in told
    assert any("214,738" in words and all("." not in word for word in words) for words in told)
    assert any("308.02" in words for words in told)


def test_words_are_whole(show: Show) -> None:
    shown = show(SWEEP)
    words = {words for words, _, _ in drawn(shown, "parallel")}
    assert {"weight_", "output_", "stationary"} <= words


def test_a_bound_beyond_the_axis_is_told(show: Show) -> None:
    most = max(LUTS)
    shown = show(bounded(3.0 * most))
    assert f"lut: max {3 * most:,} beyond ↑" in {words for words, _, _ in drawn(shown, "scatter")}
    shown = show(bounded(10.0))
    assert "lut: max 10 beyond ↓" in {words for words, _, _ in drawn(shown, "scatter")}


def test_the_nearest_design_is_first_and_says_what_it_misses(show: Show) -> None:
    nearest, least = 7, 1500
    luts = tuple(least if row == nearest else max(2000, lut) for row, lut in enumerate(LUTS))
    file = bounded(1200, dataclasses.replace(SWEEP, columns={**SWEEP.columns, "lut": luts}))
    assert first_row(file) == nearest
    shown = show(file)
    assert text(shown, "card-title").startswith(f"Design {nearest} ")
    assert "misses lut: 1,500, at most 1,200 (25 % more)" in text(shown, "card")
    shown = show(bounded(10.0))
    assert f"at most 10 ({round(min(LUTS) / 10):,} times as much)" in text(shown, "card")


def test_no_design_has_numbers(show: Show) -> None:
    file = dataclasses.replace(
        SWEEP, columns=dict.fromkeys(SWEEP.columns, ()), front=(), confirmations=()
    )
    shown = show(file)
    for key in ("scatter", "parallel"):
        words = [words for words, _, _ in drawn(shown, key)]
        assert words and all(word.startswith("No design has numbers") for word in words)
    assert "No design has numbers" in text(shown, "card-title")


def test_kinds_of_reserved_memory_look_different(show: Show) -> None:
    shown = show(SWEEP, made_details(SWEEP, 1))
    colors = shown.value(
        "[...document.querySelectorAll('#memory-keys span')].map((e) => "
        "[e.textContent, getComputedStyle(e.firstChild).backgroundColor])"
    )
    kinds = dict(colors)
    assert {"ring of weights", "slots of results"} <= set(kinds)
    assert len(set(kinds.values())) == len(kinds)


def test_a_small_change_has_its_direction(show: Show) -> None:
    index, detail = next(iter(made_details(SWEEP, 1).items()))
    first = detail.what_ifs[0]
    changes = [dataclasses.replace(first, change="faster: x", cycles=9_999)]
    changes.append(dataclasses.replace(first, change="slower: x", cycles=10_001))
    made = dataclasses.replace(detail, cycles=10_000, tried=(), what_ifs=(first, *changes))
    shown = show(SWEEP, {index: made})
    told = text(shown, "what-ifs")
    assert "less than 0.1 % faster" in told and "less than 0.1 % slower" in told


def test_parameters_of_words_have_a_title(show: Show) -> None:
    shown = show(SWEEP)
    box = shown.value(
        "(() => { const e = document.getElementById('parallel'); e.scrollIntoView({block: "
        "'center'}); const r = e.getBoundingClientRect(); return [r.x, r.y, r.height]; })()"
    )
    at = next((x, y) for words, x, y in drawn(shown, "parallel") if words == "weight_")
    shown.mouse("mouseMoved", box[0] + at[0] + 5, box[1] + at[1] + 6)
    title = shown.value("document.getElementById('parallel').title")
    assert title == f"{ENGINE}.dataflow: weight_stationary"
