"""Liberty files: what is read, what is refused and where, and that no bytes end in a traceback."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tilewright.build.synth import liberty
from tilewright.build.synth.liberty import parse_library, read_library
from tilewright.spec import SpecError

SEED = 17


def refused(text: str) -> list[tuple[int | None, int | None, str]]:
    """(line, column, rule) of each mistake."""
    with pytest.raises(SpecError) as caught:
        parse_library(text, "x.lib")
    for one in caught.value.diagnostics:
        assert one.render().startswith("x.lib:")
    return [(one.line, one.column, one.rule) for one in caught.value.diagnostics]


def test_areas_kinds_and_units(little):
    library = parse_library(little, "x.lib")
    assert library.name == "little"
    assert {cell.name: cell.area for cell in library.cells.values()} == {
        "INV": 2, "BUF": 3, "NAND2": 4, "NOR2": 4, "XOR2": 9, "DFF": 20, "ONE": 1, "ZERO": 1,
    }  # fmt: skip
    assert library.flip_flops == {"DFF": "CK"}
    assert library.tie_cells == (("ONE", "Y"), ("ZERO", "Y"))
    assert library.buffer is not None and library.buffer.name == "BUF"
    assert library.flip_flop_input_farads == pytest.approx(2e-15)
    assert library.time_unit_seconds == 1e-9
    assert library.capacitance_unit_farads == 1e-12


def test_the_public_library(sg13g2):
    """By hand from the file: 78 cells; areas of four of them; where constants come from."""
    library = read_library(sg13g2)
    assert len(library.cells) == 78
    areas = {"inv_1": 5.4432, "nand2_1": 7.2576, "xor2_1": 14.5152, "dfrbp_1": 47.17440}
    assert {name: library.cells[f"sg13g2_{name}"].area for name in areas} == pytest.approx(areas)
    assert library.tie_cells == (("sg13g2_tiehi", "L_HI"), ("sg13g2_tielo", "L_LO"))
    assert set(library.flip_flops) == {"sg13g2_dfrbp_1", "sg13g2_dfrbp_2", "sg13g2_sdfbbp_1"}
    assert library.cells["sg13g2_dlhq_1"].kind == "latch"
    assert library.cells["sg13g2_fill_1"].kind == "other"


def test_other_spellings(little):
    """Units in femtofarads and picoseconds, a missing `;`, a continued line, `//` in a text."""
    text = little.replace('time_unit : "1ns";', 'time_unit : "10ps"')
    text = text.replace("(1, pf)", "(2.5, ff)").replace("area : 20;", "area : \\\n 20 ;")
    text = text.replace("delay_model : table_lookup;", 'comment : "a // b { ; } \\" /* c";')
    library = parse_library(text, "x.lib")
    assert library.time_unit_seconds == pytest.approx(10e-12)
    assert library.flip_flop_input_farads == pytest.approx(0.002 * 2.5e-15)
    assert library.cells["DFF"].area == 20


def test_cells_that_must_not_be_used(little):
    text = little.replace("area : 3;", "area : 3; dont_use : true;")
    assert parse_library(text, "x.lib").buffer is None


BROKEN = {
    "nothing": (lambda t: "", (1, 1), "is empty"),
    "only a comment": (lambda t: "/* x */", (1, 7), "is empty"),
    "no library": (lambda t: "cell (A) { area : 1; }", (1, 1), "must be `library (NAME) {`"),
    "an attribute alone": (lambda t: "area (1);", (1, 1), "must be `library (NAME) {`"),
    "cut off": (lambda t: t[: t.index("  cell (BUF)")], (4, 1), "has no end"),
    "a brace too many": (lambda t: t + "}\n", None, "one library is all"),
    "a text without end": (lambda t: t.replace('"1ns";', '"1ns;', 1), (6, 15), "text that begins"),
    "a comment without end": (lambda t: t + "/* and", None, "has no end"),
    "no colon": (lambda t: t.replace("area : 4;", "area 4;", 1), (45, 5), "must follow the name"),
    "no value": (lambda t: t.replace("area : 4;", "area : ;", 1), (45, 12), "must stand here"),
    "no end of a value": (
        lambda t: t.replace("area : 4;", "area : 4, 5;", 1), (45, 13), "`;` must end"),
    "a parenthesis": (lambda t: t.replace("cell (INV) {", "cell (INV {", 1), (16, 13), "`)` must"),
    "a second library": (lambda t: t + t, None, "one library is all"),
    "too deep": (lambda t: "library (a) {" + "g () {" * 99, None, "at most 16 deep"),
    "a backslash": (lambda t: t.replace("area : 4;", "area : \\4;", 1), None, "no place here"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_form_is_told_with_its_place(little, case):
    change, place, rule = BROKEN[case]
    (mistake,) = refused(change(little))
    assert rule in mistake[2], mistake
    assert place is None or mistake[:2] == place, mistake


WRONG = {
    "no area": ("    area : 9;\n", "", "must have the attribute `area`"),
    "a negative area": ("area : 9;", "area : -9;", "area must be a number from 0"),
    "a word for an area": ("area : 9;", "area : large;", "area must be a number from 0"),
    "an endless area": ("area : 9;", "area : 1e99;", "area must be a number from 0"),
    "no number": ("area : 9;", "area : nan;", "area must be a number from 0"),
    "a cell twice": ("cell (XOR2)", "cell (NOR2)", "stands twice"),
    "a name for a shell": ("cell (XOR2)", 'cell ("X; ls")', "plain Verilog name"),
    "a name with a newline": ("cell (XOR2)", 'cell ("X\nls")', "text that begins"),
    "a pin for a shell": ("pin (Q)", 'pin ("Q; ls")', "plain Verilog name"),
    "no flip-flop": ("ff (IQ, IQN)", "gg (IQ, IQN)", "must have a flip-flop"),
    "no clock": (' clocked_on : "CK";', "", "must say `clocked_on`"),
    "no inverter": ('"!A"', '"A"', "must have an inverter"),
    "a unit of time": ('"1ns"', '"1 year"', "time_unit must be"),
    "a unit of load": ("(1, pf)", "(1, farad)", "capacitive_load_unit must be"),
    "a load of nothing": ("(1, pf)", "(0, pf)", "capacitive_load_unit must be"),
    "a load": ("capacitance : 0.003", "capacitance : -1", "capacitance must be a number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_synthesis_cannot_use_is_refused(little, case):
    old, new, rule = WRONG[case]
    assert old in little
    mistakes = refused(little.replace(old, new))
    assert any(rule in mistake[2] for mistake in mistakes), mistakes


def test_all_mistakes_come_at_once(little):
    text = little.replace("area : 9;", "area : x;").replace("area : 20;", "area : -1;")
    text = text.replace('"1ns"', '"1 year"')
    assert [rule.split(" must")[0] for _, _, rule in refused(text)] == ["time_unit", "area", "area"]
    lines = [line for line, _, _ in refused(text)]
    assert lines == sorted(lines)


def test_files(tmp_path, little, monkeypatch):
    packed, plain = tmp_path / "a.lib.gz", tmp_path / "a.lib"
    packed.write_bytes(gzip.compress(little.encode()))
    plain.write_text(little)
    assert read_library(packed) == read_library(plain)
    for path, content in {
        "absent.lib": None,
        "cut.lib.gz": packed.read_bytes()[:-20],
        "damaged.lib.gz": packed.read_bytes()[:40] + b"\0" * 20 + packed.read_bytes()[60:],
        "noise.lib": bytes(range(256)) * 20,
    }.items():
        if content is not None:
            (tmp_path / path).write_bytes(content)
        with pytest.raises(SpecError) as caught:
            read_library(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)
    with pytest.raises(SpecError, match="cannot be read"):
        read_library(tmp_path)
    monkeypatch.setattr(liberty, "MAX_FILE_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.lib.gz"
    bomb.write_bytes(gzip.compress(b" " * (64 << 20)))
    with pytest.raises(SpecError, match="at most 1 MiB"):
        read_library(bomb)


def test_mutated_bytes_never_end_in_a_traceback(little, damaged):
    random = np.random.default_rng(SEED)
    start, accepted, messages = little.encode(), 0, []
    for _ in range(1500):
        data = damaged(random, start, [b"{", b"}", b'"', b"(", b";", b"/*", b"\\"], 39)
        try:
            library = parse_library(data.decode(errors="replace"), "x.lib")
        except SpecError as error:
            messages.append(str(error))
        else:
            accepted += 1
            assert all(cell.area >= 0 for cell in library.cells.values())
    assert 100 < accepted < 1400
    assert all(c.isprintable() or c == "\n" for text in messages for c in text)


def test_names_cannot_act_on_a_terminal(little):
    with pytest.raises(SpecError) as caught:
        parse_library(little.replace("cell (XOR2)", 'cell ("\x1b[2J")'), "x.lib")
    assert "\x1b" not in str(caught.value)
    assert "plain Verilog name" in str(caught.value)


def test_a_path_is_a_place(tmp_path: Path):
    path = tmp_path / "x.lib"
    path.write_text("library (a) {\n  cell (b { }\n}\n")
    with pytest.raises(SpecError) as caught:
        read_library(path)
    assert str(caught.value).startswith(f"{path}:2:11: error: library a: `)` must end what cell")
