"""One design as a page: the same pictures as those of a sweep's selected design, and no sweep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tilewright.dataflow.serial import plain

from ..point_detail import PointDetail
from .page import document, script_text
from .skeleton import PICTURES
from .text import json_block, shown

SCRIPTS: Final = ("base", "detail", "schedule")
NAME: Final = "name"
"""The key of a spec that is the title."""


def point_page(detail: PointDetail) -> str:
    """The whole page."""
    title = f"{shown(name_of(detail))}: estimate"
    return document(title, list(_body(detail, title)), script=script_text(SCRIPTS))


def name_of(detail: PointDetail) -> str:
    """The design's, as its spec says it."""
    return str(detail.settings.get(NAME, f"design {detail.index}"))


def _body(detail: PointDetail, title: str) -> Iterator[str]:
    yield f'<header class="top"><h1>{title}</h1></header><main>'
    yield f'<section id="one">{PICTURES}</section>'
    yield '<section id="settings"><h2>What it is</h2><div class="scroll"><table><tbody>'
    for path, value in detail.settings.items():
        yield f'<tr><th scope="row">{shown(path)}</th><td>{shown(str(value))}</td></tr>'
    yield "</tbody></table></div></section></main>"
    yield "<footer>Made by tilewright from point.json.</footer>"
    yield f'<script type="application/json" id="data">{json_block(_data(detail))}</script>'


def _data(detail: PointDetail) -> dict[str, Any]:
    """What the scripts ask of a sweep: one design without parameters and goals."""
    empty: dict[str, Any] = {
        key: [] for key in ("parameters", "metrics", "objectives", "constraints", "front")
    }
    return {
        "num_rows": 1,
        "index": [detail.index],
        **empty,
        "first": 0,
        "name": name_of(detail),
        "details": {str(detail.index): plain(detail)},
    }
