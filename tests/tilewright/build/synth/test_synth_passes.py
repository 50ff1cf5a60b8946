"""Passes are values; words that could end or begin a command never become one."""

import pytest

from tilewright.build.synth.harness import harness_name, harness_verilog
from tilewright.build.synth.passes import (
    Pass,
    final_passes,
    flattening_passes,
    identifier,
    mapping_passes,
    plain_file,
    reading_passes,
)
from tilewright.build.synth.target import FAMILIES, Target
from tilewright.errors import UsageError

HOSTILE = ("", "a;shell id", "a b", "a\nb", "!id", "$(id)", "`id`", "a#b", 'a"b', "../x", "-o x",
           "a\x00b", "ä", "a" * 300, "\\a", "a*", "@a", "%x", "+/x")  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_word_reaches_a_script(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        identifier(text)
    for make in (lambda: reading_passes(["design.v"], text), lambda: reading_passes([text], "top")):
        with pytest.raises(ValueError, match="not a"):
            make()
    with pytest.raises(ValueError, match="not a"):
        mapping_passes(Target(family="ecp5"), text, {})
    with pytest.raises(ValueError, match="not a"):
        Pass("synth", (text,))
    with pytest.raises(ValueError, match="name of a pass"):
        Pass(f"synth {text}")


@pytest.mark.parametrize("name", ["..", "a..b", ".hidden", "a/b", "-x", ""])
def test_files_are_plain_names(name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        plain_file(name)


def test_an_option_of_the_caller_is_a_switch_or_a_number() -> None:
    (one,) = mapping_passes(Target(family="ecp5"), "top", {"nodsp": True, "nobram": False})
    assert one.text == "synth_ecp5 -top top -noiopad -nodsp -nowidelut"
    (one,) = mapping_passes(Target(family="ecp5"), "top", {"nowidelut": False})
    assert one.text == "synth_ecp5 -top top -noiopad"
    (one,) = mapping_passes(Target(family="xc7"), "top", {"widemux": 5})
    assert one.text == "synth_xilinx -top top -family xc7 -flatten -noclkbuf -noiopad -widemux 5"
    with pytest.raises(ValueError, match="not a plain word"):
        mapping_passes(Target(family="ecp5"), "top", {"nodsp; shell id": True})


def test_each_family_has_its_pass() -> None:
    found = [mapping_passes(Target(family=f), "top", {})[0].text for f in FAMILIES if f != "asic"]
    assert found == [
        "synth_ecp5 -top top -noiopad -nowidelut",
        "synth_ice40 -top top -device hx",
        "synth_gowin -top top -family gw2a -noiopads",
        "synth_xilinx -top top -family xc7 -flatten -noclkbuf -noiopad",
        "synth_xilinx -top top -family xcup -flatten -noclkbuf -noiopad -uram",
    ]
    assert [one.text for one in flattening_passes()][1] == "flatten -scopename"
    assert final_passes()[-1].text == "write_json netlist.json"


def test_ultraplus_gets_its_multipliers_and_pads_stay_in_context() -> None:
    board = Target(family="ice40", device="iCE40UP5K", out_of_context=False)
    assert (
        mapping_passes(board, "top", {})[0].text
        == "synth_ice40 -top top -device u -dsp -dffe_min_ce_use 5"
    )
    board = Target(family="ecp5", device="LFE5U-25F", out_of_context=False)
    assert mapping_passes(board, "top", {})[0].text == "synth_ecp5 -top top -nowidelut"


@pytest.mark.parametrize(
    ("device", "options"),
    [
        ("LFE5U-85F", ["--85k", "--package", "CABGA381", "--speed", "6"]),
        ("LFE5UM-45F", ["--um-45k", "--package", "CABGA381", "--speed", "6"]),
        ("LFE5UM5G-25F", ["--um5g-25k", "--package", "CABGA381", "--speed", "6"]),
        ("LFE5U-12F", ["--12k", "--package", "CABGA381", "--speed", "6"]),
    ],
)
def test_ecp5_devices(device: str, options: list[str]) -> None:
    assert Target(family="ecp5", device=device).ecp5_options == options


def test_other_devices() -> None:
    up5k = Target(family="ice40", device="iCE40UP5K")
    assert up5k.ice40_options == ["--up5k", "--package", "sg48"]
    assert Target(family="ice40").placed.ice40_options == ["--hx8k", "--package", "ct256"]
    assert Target(family="gowin", device="GW1N-9C").gowin_series == "gw1n"
    with pytest.raises(UsageError, match="not an ECP5"):
        _ = Target(family="ecp5", device="XC7A100T").ecp5_options
    with pytest.raises(UsageError, match="speed: an ECP5 has 6, 7 or 8"):
        _ = Target(family="ecp5", device="LFE5U-85F", speed="-2").ecp5_options
    with pytest.raises(UsageError, match="not an iCE40"):
        _ = Target(family="ice40", device="LFE5U-85F").ice40_options
    with pytest.raises(UsageError, match="no open place and route"):
        _ = Target(family="xc7").placed


@pytest.mark.parametrize("text", [*(h for h in HOSTILE if h and "/" not in h), "a/../../b c"])
@pytest.mark.parametrize("field", ["device", "package", "speed", "part"])
def test_no_hostile_word_becomes_a_target(field: str, text: str) -> None:
    with pytest.raises(UsageError, match="not a plain name"):
        Target(family="ecp5", **{field: text})  # type: ignore[arg-type]


def test_a_target_is_sound() -> None:
    with pytest.raises(UsageError, match="family: one of"):
        Target(family="none")  # type: ignore[arg-type]
    for frequency in (0.0, 1e12, float("nan")):
        with pytest.raises(UsageError, match="from 1 kHz to 10 GHz"):
            Target(family="ecp5", freq_hz=frequency)


def test_a_harness_connects_every_bit_once() -> None:
    ports = [("aclk", "input", 1), ("a", "input", 3), ("b", "input", 1), ("q", "output", 2)]
    text = harness_verilog("around", "top", ports)
    assert ".aclk(clk)" in text
    assert ".a(harness_drive[2:0])" in text
    assert ".b(harness_drive[3:3])" in text
    assert ".q(harness_seen[1:0])" in text
    assert "harness_drive <= {harness_drive[2:0], d};" in text
    assert "{harness_taken[0:0], harness_drive[3]}" in text
    with pytest.raises(ValueError, match="not a plain Verilog name"):
        harness_verilog("around", "top", [("a); shell", "input", 1)])


@pytest.mark.parametrize(
    ("top", "text", "name"),
    [
        ("top", b"module top (input clk);", "top_harness"),
        ("tilewright_harness", b"module tilewright_harness", "tilewright_harness_harness"),
        ("top", b"top_harness top_harness0", "top_harness_"),
        ("top", b"\\top_harness_ ", "top_harness__"),
        ("t" * 200, b"", "t" * 100 + "_harness"),
    ],
)
def test_the_name_of_a_harness_is_in_no_design(top: str, text: bytes, name: str) -> None:
    assert harness_name(top, text) == name
