"""The page in a headless Chromium: drawn, clicked, filtered; nothing asked of a network."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, find_chromium
from page_parts import LAPTOP, rectangle, text
from report_fixtures import ENGINE, made_details, made_layers_detail, made_sweep
from tilewright.dse.neighbours import known_changes
from tilewright.dse.report.page import sweep_page
from tilewright.dse.workloads.read import library_workload

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="needs a Chromium: apt-get install chromium"
)
DRAW_SECONDS = 1.0
SWEEP = made_sweep(1000)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(sweep_page(SWEEP, made_details(SWEEP)), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser: Browser, page: Path) -> Iterator[Browser]:
    """The page, fresh; at the end nothing was complained of, nothing but it was asked for."""
    browser.problems.clear()
    browser.requests.clear()
    browser.open(page)
    yield browser
    browser.value("1")
    assert browser.problems == []
    assert set(browser.requests) == {page.as_uri()}


def draw_seconds(browser: Browser) -> float:
    """Both pictures, the best of three times: other work on the machine is not the page's."""
    times = []
    for _ in range(3):
        browser.value("document.getElementById('only-front').click()")
        browser.value("document.getElementById('filter-set').click()")
        found = browser.value(
            "['scatter', 'parallel'].map((k) => document.getElementById(k).dataset.milliseconds)"
        )
        times.append(sum(map(float, found)) / 1000)
    return min(times)


def test_first_look(shown: Browser) -> None:
    wide = shown.value("document.documentElement.scrollWidth")
    assert wide <= LAPTOP[0]
    assert text(shown, "count") == "1,000 of 1,000 designs"
    assert "Pareto front" in text(shown, "card-title")
    assert draw_seconds(shown) < DRAW_SECONDS
    pixels = shown.value(
        "(() => { const c = document.querySelector('#scatter canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; const seen = new Set(); "
        "for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200) "
        "seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]); return seen.size; })()"
    )
    assert pixels > 10


def test_a_click_selects(shown: Browser) -> None:
    """On a place of the scatter plot: the nearest design, ringed, in the card, with its detail."""
    box = rectangle(shown, "scatter")
    before = text(shown, "card-title")
    titles = set()
    for across in range(8, 95, 6):
        for up in range(10, 90, 8):
            shown.click(box["x"] + box["width"] * across / 100, box["y"] + box["height"] * up / 100)
            titles.add(text(shown, "card-title"))
        if len(titles - {before}) > 5:
            break
    assert len(titles - {before}) > 5
    rectangle(shown, "designs")
    line = shown.value(
        "(() => { const b = document.querySelector('#designs-body button'); b.focus(); b.click(); "
        "return b.textContent; })()"
    )
    assert text(shown, "card-title").startswith(f"Design {line} ")


def test_a_design_with_details(shown: Browser) -> None:
    known = SWEEP.front[1]
    shown.value(
        "(() => { document.getElementById('designs-more').click(); const all = [...document"
        f".querySelectorAll('#designs-body button')]; all.find((b) => b.textContent === "
        f"({known}).toLocaleString('en-US')).click(); }})()"
    )
    assert text(shown, "card-title").startswith(f"Design {known:,} ")
    assert shown.value("document.getElementById('detail').hidden") is False
    assert shown.value("document.querySelectorAll('#off-chip-body tr').length") > 3
    assert "gives -" in text(shown, "detail-sentence") or "tried" in text(shown, "detail-sentence")
    banks = shown.value(
        "[...document.querySelectorAll('#memory text.soft')].map(t => t.textContent)"
    )
    assert {"banks a", "banks b", "banks o"} <= set(banks)
    for key in ("waterfall", "roofline", "traffic", "gantt", "memory"):
        assert (
            shown.value(f"document.querySelectorAll('#{key} svg rect, #{key} circle').length") > 0
        )
    widths = shown.value(
        "[...document.querySelectorAll('#waterfall rect')].slice(0, 5)"
        ".map((r) => Number(r.getAttribute('width')))"
    )
    parts = made_details(SWEEP)[known].waterfall
    whole = sum(widths)
    assert widths[0] / whole == pytest.approx(parts.ideal / parts.cycles, abs=0.01)
    shown.value(
        "(() => { const z = document.getElementById('gantt-zoom'); z.value = 4; "
        "z.dispatchEvent(new Event('input')); })()"
    )
    assert shown.value("document.querySelector('#gantt svg').clientWidth") > 4000
    assert shown.value("document.documentElement.scrollWidth") <= LAPTOP[0]


def test_any_design_has_a_sentence(shown: Browser) -> None:
    """Of one without a detail too: the change of one parameter that saves most, as Python says."""
    known = made_details(SWEEP)
    row = next(row for row in range(400, 1000) if SWEEP.columns["index"][row] not in known)
    index = SWEEP.columns["index"][row]
    shown.value("document.getElementById('only-front').click()")
    shown.value("document.getElementById('designs-more').click()")
    shown.value("document.getElementById('designs-more').click()")
    shown.value(f"document.querySelector('#designs-body tr[data-row=\"{row}\"] button').click()")
    assert text(shown, "card-title").startswith(f"Design {index:,} ")
    told = text(shown, "neighbours")
    assert told in text(shown, "card")
    changes = known_changes(SWEEP, index)
    best = min((one for one in changes if not one.breaks), key=lambda one: one.cycles)
    cycles = SWEEP.columns["cycles"][row]
    assert f"Of {len(changes)} designs that differ from it in one parameter" in told
    assert best.cycles < cycles
    assert f"cycles -{100 * (cycles - best.cycles) / cycles:.0f} %" in told
    assert f"(design {best.design})" in told
    assert shown.value("document.getElementById('no-detail').hidden") is False


def test_brushing_keeps_fewer(shown: Browser) -> None:
    """A drag along the first axis (rows) keeps a range of it; the filter's button takes it away."""
    box = rectangle(shown, "parallel")
    x, top, bottom = box["x"] + 74, box["y"] + 54, box["y"] + box["height"] - 16
    shown.drag(x, top - 2, top + (bottom - top) * 0.3)
    count = int(text(shown, "count").split(" ")[0].replace(",", ""))
    rows = SWEEP.columns[f"{ENGINE}.rows"]
    assert count == sum(value >= 16 for value in rows) < 1000
    chip = shown.value("document.querySelector('#chips button').textContent")
    assert chip.startswith("rows: 16, 32")
    told = shown.value("document.querySelectorAll('#designs-body tr').length")
    assert told <= count
    shown.value("document.querySelector('#chips button').click()")
    assert text(shown, "count") == "1,000 of 1,000 designs"


def test_filters_without_a_mouse(shown: Browser) -> None:
    shown.value(
        "(() => { const a = document.getElementById('filter-axis'); a.value = 'lut'; "
        "a.dispatchEvent(new Event('change')); "
        "document.getElementById('filter-to').value = '10,000'; "
        "document.getElementById('filter-set').click(); })()"
    )
    count = int(text(shown, "count").split(" ")[0].replace(",", ""))
    assert count == sum(value <= 10_000 for value in SWEEP.columns["lut"])
    shown.value("document.getElementById('scatter').focus()")
    seen = []
    for _ in range(3):
        shown.key("ArrowRight")
        seen.append(text(shown, "card-title"))
    assert len(set(seen)) == 3


def test_other_columns_and_colours(shown: Browser) -> None:
    def change(key: str, value: str) -> None:
        shown.value(
            f"(() => {{ const s = document.getElementById('{key}'); s.value = '{value}'; "
            "s.dispatchEvent(new Event('change')); })()"
        )

    change("scatter-color", f"{ENGINE}.dataflow")
    assert "output_stationary" in text(shown, "scatter-legend")
    change("scatter-x", f"{ENGINE}.rows")
    change("scatter-y", "utilisation")
    shown.value("document.querySelectorAll('#designs-head button')[8].click()")
    order = shown.value("document.querySelector('#designs-head [aria-sort]').ariaSort")
    assert order in ("ascending", "descending")
    shown.dark(True)
    time.sleep(0.2)
    assert shown.value("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
    shown.dark(False)


def test_a_design_of_layers(browser: Browser, tmp_path: Path) -> None:
    """Every picture is there, and words where there is no plan."""
    index = SWEEP.front[1]
    path = tmp_path / "layers.html"
    path.write_text(sweep_page(SWEEP, {index: made_layers_detail(index)}), encoding="utf-8")
    browser.problems.clear()
    browser.open(path)
    assert text(browser, "card-title").startswith(f"Design {index:,} ")
    for key in ("waterfall", "roofline", "traffic", "gantt", "memory"):
        count = f"document.querySelectorAll('#{key} svg rect, #{key} circle').length"
        assert browser.value(count) > 3, key
    assert "no plan of memory over time" in text(browser, "memory-note")
    assert "load until the last word" in text(browser, "gantt-note")
    assert "layers one after the other" in text(browser, "detail-basis")
    assert "weighted by cycles" in text(browser, "utilisation")
    assert "The array" in text(browser, "detail-sentence")
    rows = browser.value("document.querySelectorAll('#layers-body tr').length")
    assert rows == len(library_workload("mlperf_tiny_ad").layers) + 1
    assert browser.problems == []


def test_hostile_text_does_nothing(browser: Browser, hostile_sweep, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(sweep_page(hostile_sweep, {}), encoding="utf-8", newline="")
    browser.problems.clear()
    browser.requests.clear()
    browser.open(path)
    assert browser.problems == []
    assert set(browser.requests) == {path.as_uri()}
    marks = "script, img, iframe, object, embed, link, form"
    assert browser.value(f"document.querySelectorAll('{marks}').length") == 2


def test_the_policy_stops_what_is_not_ours(browser: Browser, page: Path, tmp_path: Path) -> None:
    path = tmp_path / "changed.html"
    added = "<script>document.title = 'obeyed'</script><img src='https://example.org/x.png'>"
    path.write_text(page.read_text().replace("<main>", f"<main>{added}"), encoding="utf-8")
    browser.requests.clear()
    browser.open(path, is_strict=False)
    assert browser.value("document.title") != "obeyed"
    time.sleep(0.2)
    browser.value("1")
    assert len(browser.problems) >= 2  # both are refused, and that is told
    browser.problems.clear()
    blocked = set(browser.requests) - {path.as_uri()}
    assert blocked <= {"https://example.org/x.png"}  # told of, and not sent
    assert browser.value("document.querySelector('main img').naturalWidth") == 0


@pytest.mark.slow
def test_a_hundred_thousand(browser: Browser, tmp_path: Path) -> None:
    file = made_sweep(100_000)
    path = tmp_path / "large.html"
    path.write_text(sweep_page(file, made_details(file)), encoding="utf-8")
    browser.problems.clear()
    browser.open(path)
    assert text(browser, "count") == "100,000 of 100,000 designs"
    assert draw_seconds(browser) < DRAW_SECONDS
    box = rectangle(browser, "parallel")
    browser.drag(box["x"] + 74, box["y"] + 52, box["y"] + 120)
    count = int(text(browser, "count").split(" ")[0].replace(",", ""))
    assert 0 < count < 100_000
    box = rectangle(browser, "scatter")
    before = text(browser, "card-title")
    browser.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    assert text(browser, "card-title") != before
    assert browser.problems == []
