"""Quantities, number formats, YAML scalars and keywords."""

import math

import pytest

from tilewright.spec import numbers
from tilewright.spec.keywords import SYSTEMVERILOG, VHDL, C, keyword_language
from tilewright.spec.numbers import NumberFormat, QuantityError
from tilewright.spec.scalars import NumberTooLong, resolve_plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1B", 1), ("64KiB", 65536), ("64 KiB", 65536), ("0.5KiB", 512), ("1MiB", 1 << 20),
        ("2GiB", 1 << 31), ("999999999999999999B", 10**18 - 1),
    ],
)  # fmt: skip
def test_sizes(text: str, expected: int) -> None:
    assert numbers.parse_size_bytes(text) == expected
    assert numbers.parse_size_bytes(numbers.format_size(expected)) == expected


@pytest.mark.parametrize("text", ["1Hz", "100MHz", "33.333MHz", "2GHz"])
def test_frequencies(text: str) -> None:
    expected = {"1Hz": 1, "100MHz": 10**8, "33.333MHz": 33_333_000, "2GHz": 2 * 10**9}[text]
    assert numbers.parse_frequency_hz(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10s", 10.0), ("1.5s", 1.5), ("250ms", 0.25), ("2min", 120.0), ("1h", 3600.0)]
)  # fmt: skip
def test_durations(text: str, expected: float) -> None:
    assert numbers.parse_duration_seconds(text) == expected
    assert numbers.parse_duration_seconds(numbers.format_duration(expected)) == expected


WRONG = ["", "64", "KiB", "64KB", "-1KiB", "1e3KiB", "64  KiB", "64KiB\n", " 64KiB", "0x10B", 64]
WRONG += [True, None, 1.5, ["64KiB"], "64KiBs", "1" * 30 + "B", "\u0661KiB", "0.0001KiB", "nanB"]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_sizes(text: object) -> None:
    with pytest.raises(QuantityError):
        numbers.parse_size_bytes(text)


def test_fraction_of_a_hertz() -> None:
    with pytest.raises(QuantityError, match="whole number of hertz"):
        numbers.parse_frequency_hz("0.5Hz")


@pytest.mark.parametrize("bits", [2, 3, 8, 16, 31, 32])
def test_number_format_both_ways(bits: int) -> None:
    for signed in (True, False):
        number_format = NumberFormat(bits, signed)
        assert NumberFormat.parse(str(number_format)) == number_format
        assert number_format.maximum - number_format.minimum == 2**bits - 1
        assert number_format.minimum == (-(2 ** (bits - 1)) if signed else 0)


@pytest.mark.parametrize(
    "text",
    ["int1", "int33", "uint0", "int08", "INT8", "int8 ", "float32", "int", "sint8", "int100"],
)
def test_wrong_number_formats(text: str) -> None:
    with pytest.raises(QuantityError):
        NumberFormat.parse(text)


def test_number_format_refuses_bits() -> None:
    for bits in (1, 33):
        with pytest.raises(ValueError, match="2 to 32"):
            NumberFormat(bits)


# https://yaml.org/spec/1.2.2/#103-core-schema, and what YAML 1.1 made of the last line
CORE_SCHEMA = {
    "null": None, "~": None, "": None, "true": True, "FALSE": False, "0": 0, "-19": -19, "+3": 3,
    "0o7": 7, "0x3A": 58, "0.": 0.0, "-0.0": 0.0, ".5": 0.5, "+12e03": 12000.0, "-2E+05": -200000.0,
    ".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf,
    "no": "no", "on": "on", "y": "y", "012": 12, "1e8": 1e8, "1_000": "1_000",
    "12:30:45": "12:30:45",
    "2026-01-02": "2026-01-02", "0b11": "0b11", "-": "-", ".": ".", "1e": "1e", "\u0661": "\u0661",
}  # fmt: skip


@pytest.mark.parametrize("text", list(CORE_SCHEMA))
def test_core_schema(text: str) -> None:
    value = resolve_plain(text)
    assert value == CORE_SCHEMA[text]
    assert type(value) is type(CORE_SCHEMA[text])


def test_not_a_number_and_long_numbers() -> None:
    value = resolve_plain(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)
    assert resolve_plain("9" * 64) == int("9" * 64)
    for text in ("9" * 65, "0x" + "f" * 63, "1." + "0" * 63):
        with pytest.raises(NumberTooLong):
            resolve_plain(text)


def test_keywords() -> None:
    assert len(SYSTEMVERILOG) == 248  # IEEE 1800-2017, annex B
    assert len(C) >= 45  # with those of C23 that a name could be
    assert len(VHDL) >= 115
    for word, language in [("wire", "Verilog"), ("logic", "SystemVerilog"), ("entity", "VHDL")]:
        assert keyword_language(word) == language
    assert keyword_language("double") == "C"
    assert keyword_language("array") == "VHDL"
    assert keyword_language("array", without_vhdl=True) is None
    assert keyword_language("matmul") is None
