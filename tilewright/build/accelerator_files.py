"""The files of a generated accelerator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tilewright.build.accelerator_run import hex_text
from tilewright.build.files import to_json_bytes, write_file
from tilewright.build.verilog import emit
from tilewright.catalog import find_template
from tilewright.dataflow.memory_map import memory_image
from tilewright.dataflow.serial import to_json
from tilewright.hw.lib.register_docs import c_header, html, markdown
from tilewright.hw.program_words import program_rows
from tilewright.hw.top import Accelerator, register_table

if TYPE_CHECKING:
    from tilewright.flow.design import Design

__all__ = ["accelerator_verilog", "program_writes", "write_design"]


def accelerator_verilog(design: Design) -> str:
    """The Verilog of the whole accelerator; the same design gives the same bytes."""
    engine = find_template(design.machine.engines[0].kind).load("rtl")
    return emit(Accelerator(design.config, engine), design.name, spec_sha256=design.spec_sha256)


def program_writes(design: Design) -> list[tuple[int, int]]:
    """Register writes that load the program of a programmable accelerator; else none."""
    if not design.config.is_programmable:
        return []
    table = register_table(design.config)
    offset = table.windows[0].offset
    return [
        (offset + row + 4 * chunk, value)
        for row, chunks in program_rows(design.config, design.program).items()
        for chunk, value in enumerate(chunks)
    ]


def write_design(design: Design, folder: Path, *, verilog: str) -> dict[str, Path]:
    """Write all files of a design; the paths by what they are."""
    table = register_table(design.config)
    zeros = {t.name: np.zeros(t.shape, t.number_format) for t in design.graph.inputs}
    constants = memory_image(design.graph, design.plan, design.machine, zeros)
    texts = {
        "verilog": (f"{design.name}.v", verilog),
        "memory": ("memory.hex", hex_text(constants, design.machine.port_bytes)),
        "program": ("program.txt", f"{design.program}\n"),
        "registers": ("registers.html", html(table, f"Registers of {design.name}")),
        "registers_markdown": ("registers.md", markdown(table, f"Registers of {design.name}")),
        "header": (f"{design.name}.h", c_header(table) + _memory_header(design)),
    }
    if writes := program_writes(design):
        lines = [f"{address:08x} {value:08x}" for address, value in writes]
        texts["program_writes"] = ("program.writes", "\n".join(lines) + "\n")
    for name, value in (
        ("graph", design.graph),
        ("plan", design.plan),
        ("program", design.program),
    ):
        texts[f"{name}_json"] = (f"{name}.json", to_json_bytes(to_json(value)).decode())
    for name, text in texts.values():
        write_file(folder / name, text)
    return {kind: folder / name for kind, (name, _) in texts.items()}


def _memory_header(design: Design) -> str:
    """Where inputs and outputs lie in the memory image, as C macros."""
    prefix, word_bytes = design.name.upper(), design.machine.word_bytes
    lines = [
        "",
        f"/* Memory image of {design.name}: offsets in bytes from the address in memory_base. */",
        f"#ifndef {prefix}_MEMORY_H",
        f"#define {prefix}_MEMORY_H",
        f"#define {prefix}_MEMORY_BYTES {design.memory_bytes}u",
        f"#define {prefix}_WORD_BYTES {word_bytes}u",
        f"#define {prefix}_BATCH {design.batch}u",
    ]
    for kind, tensors in (("INPUT", design.graph.inputs), ("OUTPUT", design.graph.outputs)):
        for number, tensor in enumerate(tensors):
            place = next(item for item in design.plan.memory if item.tensor == tensor.name)
            lines.append(
                f"#define {prefix}_{kind}_{number}_OFFSET {place.base_words * word_bytes}u"
            )
            lines.append(f"#define {prefix}_{kind}_{number}_BYTES {place.words * word_bytes}u")
    return "\n".join([*lines, f"#endif /* {prefix}_MEMORY_H */", ""])
