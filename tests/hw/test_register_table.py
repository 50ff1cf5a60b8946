"""What is made from the register table beside hardware: pages, C header; and wrong tables."""

import re
from pathlib import Path

import pytest
from tilewright.hw.lib.accelerator_registers import accelerator_registers, reference_table
from tilewright.hw.lib.register_docs import c_header, html, markdown
from tilewright.hw.lib.register_table import Access, Field, Register, RegisterTable, Window

TABLE = accelerator_registers(
    units=("load", "store", "array.core"), version=0x000100, spec_hash=0xDEADBEEF, program_bytes=600
)
OFFSET = {register.name: register.offset for register in TABLE.registers}
PROGRAM = TABLE.windows[0]


def test_header_markdown_and_html_agree_with_the_table():
    header = c_header(TABLE)
    offsets = {
        name.lower(): int(value, 16)
        for name, value in re.findall(r"TILEWRIGHT_(\w+)_OFFSET 0x([0-9A-F]+)u", header)
    }
    assert offsets == OFFSET | {"program": PROGRAM.offset}
    assert "#define TILEWRIGHT_IRQ_STATUS_ERROR_MASK 0x00000002u" in header
    assert len(set(re.findall(r"#define (\w+)", header))) == header.count("#define")
    page, web = markdown(TABLE, "Registers"), html(TABLE, "A < B")
    for register in TABLE.registers:
        row = f"| {register.offset:#06x} | {register.name} |"
        assert page.count(row) == 1, register.name
        assert f"<td>{register.name}</td>" in web
    assert "<h1>A &lt; B</h1>" in web
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}


def test_the_page_in_docs_is_what_the_table_says():
    page = Path(__file__).parents[2] / "docs" / "registers.md"
    assert page.read_text() == markdown(reference_table(), "Register map"), (
        "write docs/registers.md again from reference_table()"
    )


def field(**more):
    return Field(**({"name": "value", "access": Access.RW, "description": ""} | more))


def register(name, offset, *fields):
    return Register(name=name, offset=offset, description="", fields=fields or (field(),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: field(bits=33), "do not fit in 32"),
        (lambda: field(bits=2, reset=4), "value 4"),
        (lambda: field(constant=1), "read-only"),
        (lambda: field(name="Bad"), "name must match"),
        (lambda: register("a", 2), "multiple of 4"),
        (lambda: register("a", 0, field(name="x"), field(name="y")), "overlap"),
        (lambda: Window(name="w", offset=64, size_bytes=48, description=""), "power of two"),
        (lambda: Window(name="w", offset=32, size_bytes=64, description=""), "not aligned"),
        (
            lambda: RegisterTable(name="t", registers=(register("a", 4), register("b", 4))),
            "b at 0x4 overlaps or precedes a",
        ),
        (
            lambda: RegisterTable(name="t", registers=(register("a", 4), register("a", 8))),
            "defined twice",
        ),
    ],
)
def test_wrong_tables_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
