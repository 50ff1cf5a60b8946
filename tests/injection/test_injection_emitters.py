"""Every emitter, given hostile text: it refuses, or what it writes reads back as what was meant."""

import dataclasses
import html.parser
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from tilewright.boards import Board, load_board
from tilewright.hw.lib.register_docs import c_header, markdown
from tilewright.hw.lib.register_docs import html as register_page
from tilewright.hw.lib.register_table import Access, Field, Register, RegisterTable

from tilewright.build.files import to_json_bytes
from tilewright.build.synth import Target
from tilewright.build.synth.constraints import PinOf, constraints_text
from tilewright.build.synth.harness import harness_verilog
from tilewright.build.synth.passes import Pass, identifier, mapping_passes, plain_file
from tilewright.build.tcl import Command, comment, script
from tilewright.build.verilog import emit
from tilewright.build.vivado import vivado_script, xdc_text
from tilewright.errors import TilewrightError
from tilewright.flow.text_table import Column, shorten, table

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ERRORS = (ValueError, TilewrightError)


class Wire(wiring.Component):
    """A part with a port."""

    a: wiring.In(1)
    b: wiring.Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.b.eq(self.a)
        return m


def test_verilog(strings: list[str], attempt) -> None:
    """A module's name is plain, or nothing is written at all."""
    wire = Wire()
    assert emit(wire, "good").count("endmodule") == 1
    for text in strings:
        if NAME.fullmatch(text) and len(text) > 8:
            continue  # a plain name, which others test; each text costs a second
        outcome, found = attempt(lambda t=text: emit(wire, t), *ERRORS)
        if outcome == "taken":
            assert NAME.fullmatch(text), text[:100]
            assert found.count("endmodule") == 1, text


def test_passes_of_yosys(strings: list[str], attempt) -> None:
    for text in strings:
        for call in (
            lambda t=text: identifier(t),
            lambda t=text: plain_file(t),
            lambda t=text: Pass("stat", (t,)).text,
            lambda t=text: Pass(t).text,
            lambda t=text: mapping_passes(Target(family="ecp5"), t, {})[0].text,
            lambda t=text: mapping_passes(Target(family="ecp5"), "top", {t: True})[0].text,
            lambda t=text: harness_verilog(t, "top", [("a", "input", 1)]),
            lambda t=text: harness_verilog("around", t, [("a", "input", 1)]),
            lambda t=text: harness_verilog("around", "top", [(t, "input", 1)]),
        ):
            outcome, found = attempt(call, ValueError)
            if outcome == "taken":
                assert re.fullmatch(r"-?[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}", text), text[:100]
                assert ";" not in found or "module" in found


def test_targets(strings: list[str], attempt) -> None:
    for text in strings:
        for field in ("device", "package", "speed", "part"):
            outcome, _ = attempt(lambda f=field, t=text: Target(family="ecp5", **{f: t}), *ERRORS)
            form = r"-?[A-Z0-9/]{0,9}" if field == "speed" else r"([A-Za-z0-9][\w/.-]{0,63})?"
            assert outcome == "refused" or re.fullmatch(form, text)


STATEMENTS = {
    "ecp5": r'(BLOCK (RESET|ASYNC)PATHS|LOCATE COMP "{p}" SITE "{w}"|IOBUF PORT "{p}"( {w}={w})+'
    r'|FREQUENCY PORT "{p}" [\d.]+ MHZ);',
    "ice40": r"set_io( -pullup yes)? {p} {w}|set_frequency {p} [\d.]+",
    "gowin": r'(IO_LOC "{p}" {w}|IO_PORT "{p}"( {w}={w})+);',
}


@pytest.mark.parametrize("family", sorted(STATEMENTS))
def test_files_of_pins(family: str, strings: list[str], attempt) -> None:
    """Each line is one whole statement, and there are no more of them than for harmless text."""
    form = STATEMENTS[family].replace("{p}", r"\w+(\[\d+\])?").replace("{w}", r"\w+")
    good: dict[str, Any] = {"port": "clk", "pin": "A1", "io_standard": "LVCMOS33", "pull": "up",
                            "clock_hz": 25_000_000}  # fmt: skip
    lines = constraints_text(family, [PinOf(**good)]).count("\n")
    for text in strings:
        for field in ("port", "pin", "io_standard", "pull"):
            pins = good | {field: text}
            call = lambda p=pins: constraints_text(family, [PinOf(**p)])  # noqa: E731
            outcome, found = attempt(call, *ERRORS)
            if outcome == "taken":
                assert found.count("\n") <= lines
                for line in found.splitlines():
                    assert re.fullmatch(form, line, re.ASCII), line[:200]


@pytest.fixture(scope="module")
def tcl() -> Callable[[str], list[list[str]]]:
    """Runs a script in a Tcl that knows no command: the commands that it would have called."""
    tkinter = pytest.importorskip("tkinter", reason="Python without Tcl")
    interpreter = tkinter.Tcl()
    interpreter.eval("interp create -safe jail")
    for name in interpreter.splitlist(interpreter.eval("jail eval {info commands}")):
        interpreter.eval(f"interp hide jail {name}")
    interpreter.eval("interp invokehidden jail set here somewhere")
    interpreter.eval("set ::calls {}")
    interpreter.eval("proc record args {lappend ::calls $args; return called}")
    interpreter.eval("interp alias jail unknown {} record")

    def run(text: str) -> list[list[str]]:
        interpreter.eval("set ::calls {}")
        interpreter.setvar("text", text)
        interpreter.eval("interp eval jail $text")
        calls = interpreter.splitlist(interpreter.getvar("::calls"))
        return [[str(word) for word in interpreter.splitlist(call)] for call in calls]

    return run


def test_tcl(strings: list[str], attempt, tcl) -> None:
    """A word is one word, and itself; a comment is nothing."""
    for text in strings:
        call = lambda t=text: script([comment(t), Command("puts", t, "end")])  # noqa: E731
        outcome, found = attempt(call, ValueError)
        if outcome == "refused":
            assert "\0" in text or any(not c.isprintable() for c in text)
        elif not any("\ud800" <= c <= "\udfff" for c in text):  # no text at all
            assert tcl(found) == [["puts", text, "end"]], text[:100]


def test_projects_of_vivado(strings: list[str], attempt, tcl) -> None:
    """A board's words in script and constraints: the same commands are called as without them."""
    board = load_board("arty-a7-100")

    def calls_of(board: Board, top: str, pin: str) -> list[str]:
        pins = [
            PinOf(port="clk", pin=pin, io_standard="LVCMOS33", clock_hz=board.clock.frequency_hz)
        ]
        texts = [vivado_script(board, top, ["a.v"]), xdc_text(board, 10**8, pins)]
        return [call[0] for text in texts for call in tcl(text)]

    usual = calls_of(board, "top", "E3")
    for text in strings:
        if any("\ud800" <= c <= "\udfff" for c in text):
            continue
        for field in ("title", "source", "part"):
            changed = dataclasses.replace(board, **{field: text})
            outcome, found = attempt(lambda b=changed: calls_of(b, "top", "E3"), *ERRORS)
            assert outcome == "refused" or found == usual, (field, text[:100])
        outcome, found = attempt(lambda t=text: calls_of(board, t, "E3"), *ERRORS)
        assert outcome == "refused" or found == usual, text[:100]
        outcome, _ = attempt(lambda t=text: calls_of(board, "top", t), *ERRORS)
        assert outcome == "refused" or re.fullmatch("[A-Z]{0,2}[0-9]{1,3}", text)


def test_json(strings: list[str]) -> None:
    for text in strings:
        raw = to_json_bytes({"name": text, text: [text]})
        assert json.loads(raw) == {"name": text, text: [text]}
        assert raw.isascii()


class Tags(html.parser.HTMLParser):
    """Tags with their attributes' names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def register_table(name: str, words: str) -> RegisterTable:
    field = Field(name="value", access=Access.RW, description=words, bits=4)
    register = Register(name="mode", offset=0, description=words, fields=(field,))
    return RegisterTable(name=name, registers=(register,))


def test_pages_and_header_of_registers(strings: list[str], attempt) -> None:
    """The same tags, rows and macros as with harmless words."""
    usual = register_table("unit", "words")
    tags = Tags(register_page(usual, "title")).found
    for text in strings:
        assert Tags(register_page(usual, text)).found == tags, text[:100]
        outcome, found = attempt(lambda t=text: register_table("unit", t), ValueError)
        if outcome == "taken":
            assert Tags(register_page(found, "title")).found == tags, text[:100]
            rows = [line for line in markdown(found, "title").splitlines() if line.startswith("|")]
            assert len(rows) == 3, text[:100]
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, text[:100]
            header = re.sub(r"/\*.*?\*/", "", c_header(found), flags=re.S)
            assert header == re.sub(r"/\*.*?\*/", "", c_header(usual), flags=re.S), text[:100]
        outcome, _ = attempt(lambda t=text: register_table(t, "words"), ValueError)
        assert outcome == "refused" or re.fullmatch("[a-z][a-z0-9_]*", text)


def test_tables_for_terminals(strings: list[str]) -> None:
    for text in strings:
        lines = table([Column(head="a", least=8), Column(head="b")], [[text, "x"], ["y", "z"]], 60)
        assert len(lines) == 3
        assert all(line.isprintable() and len(line) <= 200 for line in lines), text[:100]
        assert shorten(text, 30).isprintable()


def test_files_stay_in_their_folder(strings: list[str], attempt, canary: Path) -> None:
    """The plain name of a file of a job leads nowhere else."""
    for text in strings:
        outcome, found = attempt(lambda t=text: plain_file(t), ValueError)
        if outcome == "taken":
            assert (canary.parent / found).resolve().parent == canary.parent.resolve()
