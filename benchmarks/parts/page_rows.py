"""Rows of `exploration.py` on the report's page: seconds until it is drawn and answers a click.

Sweeps of ResNet-50 with 1,000 and 100,000 designs leave their reports, with details of 50 designs.
A headless Chromium as wide as a laptop opens the file; seconds are those of the clock on the wall,
from the address to the frame in which both pictures are there and the card shows the design that
was clicked on. The best of three: other work on the machine is not the page's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tilewright.dse.sweep_crew import Crew

from parts.browser import Browser, find_chromium
from parts.form import Row
from tilewright.catalog import load_spec
from tilewright.flow.sweep.report import PAGE
from tilewright.flow.sweep.run import run_sweep

GOAL_SECONDS = {1_000: 1.0, 100_000: 5.0}
TIMES = 3
WIDTH, HEIGHT = 1366, 768
LIMIT_SECONDS = 120.0

SPEC = """\
tilewright: 1
name: resnet50
accelerator:
  scratchpad: {{capacity: 4MiB, banks: 8}}
  engines:
    array: {{template: systolic, rows: 8, cols: 8}}
sweep:
  workload: resnet50
  parameters:
    accelerator.engines.array.rows: {{start: 4, stop: 32, powers_of_two: true}}
    accelerator.engines.array.cols: {{start: 4, stop: 32, powers_of_two: true}}
    accelerator.engines.array.dataflow: [output_stationary, weight_stationary]
    accelerator.memory.bytes_per_cycle: {{start: 4, stop: 32, powers_of_two: true}}
    accelerator.memory.latency_cycles: {latencies}
  constraints:
    lut: {{maximum: 60000}}
  objectives: [latency_us, lut, energy_uj]
"""
LATENCIES = {
    1_000: "{start: 10, stop: 80, step: 10}",  # 1,024 designs
    100_000: "{start: 1, stop: 782, step: 1}",  # 100,096, of which a page lists 100,000
}
CLICK = """\
new Promise((done) => {
  const box = document.getElementById('scatter'), area = box.getBoundingClientRect();
  const title = document.getElementById('card-title'), before = title.textContent;
  const at = (event, x, y) => box.dispatchEvent(new MouseEvent(event, { bubbles: true,
    clientX: area.left + area.width * x, clientY: area.top + area.height * y }));
  for (let y = 0.1; y < 0.9 && title.textContent === before; y += 0.05)
    for (let x = 0.1; x < 0.95 && title.textContent === before; x += 0.05) at('click', x, y);
  requestAnimationFrame(() => setTimeout(() => done(title.textContent !== before), 0));
})"""
"""Clicks at places across the plot until one has a design near it, then waits for the frame."""


def page_rows() -> list[Row]:
    """A row for each number of designs; without a Chromium, why there is none."""
    if find_chromium() is None:
        return [
            {"case": f"page_{designs}_designs_seconds", "value": 0, "goal": None,
             "skipped": "needs a Chromium: apt-get install chromium"}
            for designs in GOAL_SECONDS
        ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tilewright-page-") as name:
        return [_row(Path(name), designs, goal) for designs, goal in GOAL_SECONDS.items()]


def _row(folder: Path, designs: int, goal: float) -> Row:
    page = swept_page(folder / str(designs), LATENCIES[designs])
    best = (LIMIT_SECONDS, 0.0)
    with _browser(folder / f"profile {designs}") as browser:
        for _ in range(TIMES):
            best = min(best, _drawn_and_clicked(browser, page))
        shown = str(browser.value("document.getElementById('count').textContent"))
    return {
        "case": f"page_{designs}_designs_seconds", "value": round(sum(best), 2), "goal": goal,
        "of_them_click": round(best[1], 2), "page_bytes": page.stat().st_size, "shown": shown,
    }  # fmt: skip


def swept_page(folder: Path, latencies: str) -> Path:
    """The page of a sweep of ResNet-50 with these `latencies` of the memory."""
    folder.mkdir(parents=True)
    spec = folder / "resnet50.yaml"
    spec.write_text(SPEC.format(latencies=latencies), encoding="utf-8")
    crew = Crew(start=lambda: ThreadPoolExecutor(1))
    run_sweep(load_spec(spec), folder / "out", crew_maker=lambda _: crew)
    return folder / "out" / PAGE


@contextmanager
def _browser(profile: Path) -> Iterator[Browser]:
    browser = Browser(profile, width=WIDTH, height=HEIGHT)
    try:
        yield browser
    finally:
        browser.close()


def _drawn_and_clicked(browser: Browser, page: Path) -> tuple[float, float]:
    """Seconds until the page is drawn, then until it has answered a click."""
    browser.call("Page.navigate", url="about:blank")
    began = time.monotonic()
    browser.open(page, seconds=LIMIT_SECONDS, step_seconds=0.005)
    drawn = time.monotonic()
    found = browser.call(
        "Runtime.evaluate", expression=CLICK, awaitPromise=True, returnByValue=True
    )
    assert found["result"].get("value") is True, found
    return drawn - began, time.monotonic() - drawn
