"""A sweep as one HTML page that needs nothing else: no network, no library, our own script alone.

Every text of a spec is escaped, and the page's own policy allows only the script and the style
whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ..detail_choice import kept_text
from ..point_detail import PointDetail
from ..sweep_file import SweepFile
from ..sweep_result import NO_NUMBERS
from . import sections
from .page_data import page_data
from .sensitivity import codes_of, effects
from .skeleton import DESIGNS, EXPLORE, detail_part
from .text import json_block, shown

SCRIPTS: Final = ("base", "neighbours", "scatter", "parallel", "table", "detail", "schedule")
STYLE: Final = "page.css"


@cache
def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@cache
def script_text(names: tuple[str, ...] = SCRIPTS) -> str:
    """Some scripts as one, strict, with no name outside it."""
    parts = "\n".join(asset(f"{name}.js") for name in names)
    return f"'use strict';\n(() => {{\n{parts}\n}})();\n"


def policy(script: str, style: str) -> str:
    """Nothing but this script and this style."""
    hashes = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    )
    script_hash, style_hash = hashes
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; "
        f"style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'"
    )


def document(title: str, body: Iterator[str] | list[str], *, script: str = "") -> str:
    """A whole page around safe HTML."""
    style = asset(STYLE)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(script, style)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>",
            *body,
            *([f"<script>{script}</script>"] if script else []),
            "</body>\n</html>\n",
        ]
    )


def sweep_page(file: SweepFile, details: Mapping[int, PointDetail]) -> str:
    """The whole page."""
    title = f"{shown(file.name)}: exploration"
    return document(title, list(_body(file, details, title)), script=script_text())


def _body(file: SweepFile, details: Mapping[int, PointDetail], title: str) -> Iterator[str]:
    codes = codes_of(file)
    kind = ("good", "whole space") if file.coverage.kind == "exact" else ("open", "search")
    if not file.coverage.num_evaluated:
        kind = ("bad", NO_NUMBERS)
    yield f'<header class="top"><h1>{title} <span class="badge {kind[0]}">{kind[1]}</span></h1>'
    yield f'<p class="soft">{shown(file.coverage.text, sections.MAX_NOTE_CHARS)}</p>'
    yield from sections.facts(file)
    yield from sections.notes(file)
    yield "</header>"
    parts = _parts(file, codes)
    yield '<nav aria-label="parts of the page"><ul>'
    places = [("explore", "Explore"), ("designs", "Designs"), ("one", "Selected design")]
    for key, name in [*places, *((key, name) for key, name, _ in parts)]:
        yield f'<li><a href="#{key}">{name}</a></li>'
    yield "</ul></nav><main>"
    yield EXPLORE
    yield DESIGNS
    yield detail_part(shown(kept_text(file, details), sections.MAX_NOTE_CHARS))
    for key, name, lines in parts:
        yield f'<section id="{key}"><h2>{name}</h2>'
        yield from lines
        yield "</section>"
    yield "</main><footer>Made by tilewright report from sweep.json and points/. "
    yield "All numbers as data: report.json, designs.csv.</footer>"
    yield f'<script type="application/json" id="data">{json_block(_data(file, codes, details))}'
    yield "</script>"


def _data(file: SweepFile, codes: Any, details: Mapping[int, PointDetail]) -> dict[str, Any]:
    return page_data(file, codes, details)


def _parts(file: SweepFile, codes: Any) -> list[tuple[str, str, list[str]]]:
    """Key, name and lines of each part below those that the script fills."""
    meaning = (
        "What a parameter alone does: designs are paired whose other parameters are equal, and the "
        "metric&rsquo;s quotient is averaged (geometric mean), from the first value to the last."
    )
    lines = list(sections.sensitivity(file, effects(file, codes)))
    parts = [("sensitivity", "Sensitivity", [f'<p class="soft">{meaning}</p>', *lines])]
    if file.constraints:
        parts.append(("constraints", "Constraints", [sections.constraints(file)]))
    if file.confirmations:
        text = '<p class="soft">Generated, simulated, compared with the estimate.</p>'
        parts.append(("measured", "Measured", [text, sections.confirmations(file)]))
    parts.append(("sources", "Where the numbers are from", list(sections.sources(file))))
    return parts
