"""Markdown, HTML and C header of a register map, as text."""

from __future__ import annotations

from html import escape

from .register_table import Access, Field, Register, RegisterTable, Window

_COLUMNS = ("offset", "register", "bits", "field", "access", "reset", "description")

ACCESS_TEXT: dict[Access, str] = {
    Access.RO: "read only; a write to a register with only such fields is answered with SLVERR",
    Access.RW: "read and write",
    Access.W1C: "set by the hardware; writing 1 clears the bit, but a new event wins",
    Access.PULSE: "writing 1 starts the action; reads as 0",
}


def _reset_text(field: Field) -> str:
    if field.constant is not None:
        return f"{field.constant:#x}"
    return "-" if field.access in (Access.RO, Access.PULSE) else f"{field.reset:#x}"


def _register_rows(register: Register) -> list[tuple[str, ...]]:
    rows = [
        (
            f"{register.offset:#06x}",
            register.name,
            field.range_text,
            field.name,
            field.access.value,
            _reset_text(field),
            field.description,
        )
        for field in register.fields
    ]
    first = rows[0]
    text = first[-1] if len(rows) == 1 else f"{register.description}: {first[-1]}"
    return [(*first[:-1], text), *(("", "", *row[2:]) for row in rows[1:])]


def _window_row(window: Window) -> tuple[str, ...]:
    words = f"{window.num_words} words"
    return (f"{window.offset:#06x}", window.name, words, "", "write", "-", window.description)


def _rows(table: RegisterTable) -> list[tuple[str, ...]]:
    rows = [row for register in table.registers for row in _register_rows(register)]
    return [*rows, *(_window_row(window) for window in table.windows)]


def _intro(table: RegisterTable) -> str:
    return (
        f"Registers of 32 bits, little endian, in {table.size_bytes:#x} bytes on AXI4-Lite. Byte "
        "strobes are honoured. Address bits 1:0 are ignored. An access to an offset that is not "
        "listed is answered with SLVERR and changes nothing."
    )


def markdown(table: RegisterTable, title: str) -> str:
    """The register map as a Markdown page."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    access = [f"* `{kind.value}`: {text}" for kind, text in ACCESS_TEXT.items()]
    rows = [line(row) for row in _rows(table)]
    rule = line(("---",) * len(_COLUMNS))
    parts = [f"# {title}", "", _intro(table), "", *access, "", line(_COLUMNS), rule, *rows]
    return "\n".join(parts) + "\n"


def html(table: RegisterTable, title: str) -> str:
    """The register map as an HTML page of its own."""

    def row(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    access = "".join(
        f"<li><code>{kind.value}</code>: {escape(text)}</li>" for kind, text in ACCESS_TEXT.items()
    )
    rows = "\n".join(row(cells, "td") for cells in _rows(table))
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(title)}</title>
<style>
body {{ font-family: sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #bbb; padding: 0.25rem 0.6rem; text-align: left; }}
</style></head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(_intro(table))}</p>
<ul>{access}</ul>
<table>
<thead>{row(_COLUMNS, "th")}</thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def c_header(table: RegisterTable) -> str:
    """Offsets, shifts, masks and reset values as C macros."""
    prefix = table.name.upper()
    lines = [
        f"/* Register map {table.name}: offsets in bytes; MASK is in place, SHIFT its low bit. */",
        f"#ifndef {prefix}_REGISTERS_H",
        f"#define {prefix}_REGISTERS_H",
        "",
    ]

    def define(name: str, value: str) -> str:
        return f"#define {prefix}_{name} {value}"

    for register in table.registers:
        name = register.name.upper()
        lines.append(f"/* {register.description} */")
        lines.append(define(f"{name}_OFFSET", f"0x{register.offset:X}u"))
        for field in register.fields:
            base = name if field.name == "value" else f"{name}_{field.name.upper()}"
            lines.append(define(f"{base}_SHIFT", str(field.low_bit)))
            lines.append(define(f"{base}_MASK", f"0x{field.mask:08X}u"))
            if field.constant is not None:
                lines.append(define(f"{base}_VALUE", f"0x{field.constant:X}u"))
        lines.append("")
    for window in table.windows:
        name = window.name.upper()
        lines.append(f"/* {window.description} */")
        lines.append(define(f"{name}_OFFSET", f"0x{window.offset:X}u"))
        lines.append(define(f"{name}_BYTES", f"0x{window.size_bytes:X}u"))
        lines.append("")
    return "\n".join([*lines, f"#endif /* {prefix}_REGISTERS_H */"]) + "\n"
