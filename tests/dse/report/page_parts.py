"""A page in a browser: its size, texts and places of elements, and words that canvases show."""

from __future__ import annotations

from browser import Browser

LAPTOP = (1366, 768)
RECORD = """
window.drawn = [];
const fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  window.drawn.push([this.canvas.parentNode.id, text, Math.round(x), Math.round(y)]);
  return fill.call(this, text, x, y);
};
"""


def text(browser: Browser, key: str) -> str:
    return str(browser.value(f"document.getElementById('{key}').textContent"))


def rectangle(browser: Browser, key: str) -> dict[str, float]:
    """Where an element is in the window, after it was scrolled there."""
    found = browser.value(
        f"(() => {{ const e = document.getElementById('{key}'); "
        "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
        "return {x: r.x, y: r.y, width: r.width, height: r.height}; })()"
    )
    assert isinstance(found, dict)
    return found


def drawn(browser: Browser, key: str) -> set[tuple[str, int, int]]:
    """Texts in the canvases of an element, with their places; `RECORD` must run before the page."""
    return {(words, x, y) for where, words, x, y in browser.value("window.drawn") if where == key}
