"""The rule that says which primitives a memory becomes, against yosys's own pass."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tilewright.hw.lib.memory_mapping import LUT_MEMORIES, Memory, map_memory

from tilewright.build.process import Limits, run
from tilewright.build.synth.counts import MEMORY_SITES

pytest.importorskip("pyosys", reason="no pyosys: pip install tilewright[synth]")

SEED = 17
NUM_MEMORIES = 30
JOB = str(Path(__file__).parent / "yosys_job.py")
BLOCKS = "-D HAS_SIZE_36 -D HAS_MIXWIDTH_SDP"
LIBRARIES = {
    "ecp5": "-lib +/lattice/lutrams_trellis.txt -lib +/lattice/brams_16kd.txt",
    "ice40": "-lib +/ice40/brams.txt",
    "gowin": "-lib +/gowin/lutrams.txt -lib +/gowin/brams.txt",
    "xc7": "-lib +/xilinx/lutrams_xc5v.txt -lib +/xilinx/brams_xc4v.txt "
    f"{BLOCKS} -D HAS_CASCADE -D HAS_CONFLICT_BUG",
    "xcup": f"-lib +/xilinx/lutrams_xcu.txt -lib +/xilinx/brams_xc4v.txt {BLOCKS} -D HAS_ADDRCE "
    "-lib +/xilinx/urams.txt",
}
MAPS = {
    "ecp5": "-map +/lattice/lutrams_map_trellis.v -map +/lattice/brams_map_16kd.v",
    "ice40": "-map +/ice40/brams_map.v",
    "gowin": "-map +/gowin/lutrams_map.v -map +/gowin/brams_map.v",
    "xc7": "-map +/xilinx/lutrams_xc5v_map.v -map +/xilinx/brams_xc6v_map.v",
    "xcup": "-map +/xilinx/lutrams_xc5v_map.v -map +/xilinx/brams_xcu_map.v "
    "-map +/xilinx/urams_map.v",
}


def random_memory(rng):
    """Any width, depth and port; lanes of whole bytes in deep memories only."""
    lanes = int(rng.choice([1, 1, 1, 2, 4, 8]))
    depth = int(
        rng.choice([2, 3, 8, 16, 17, 33, 48, 64, 100, 128, 256, 512, 700, 1024, 2048, 4096])
    )
    lane = int(rng.choice([8, 16, 32, 64])) if lanes > 1 else int(rng.integers(2, 130))
    read = "registered" if depth > 64 or rng.integers(2) else "combinational"
    has_old = bool(rng.integers(2)) and read == "registered"
    return Memory(width=lane * lanes, depth=depth, lanes=lanes, read=read, has_old_words=has_old)


def verilog_of(memory, name):
    """A module with this memory and a port for each of its signals."""
    bits, lane = memory.width - 1, memory.width // memory.lanes
    address = max(1, (memory.depth - 1).bit_length()) - 1
    writes = "".join(
        f"    if (enable[{n}]) words[put][{n * lane} +: {lane}] <= word[{n * lane} +: {lane}];\n"
        for n in range(memory.lanes)
    )
    read = "always @(posedge clk) if (fetch) found <= words[get];"
    if memory.read == "combinational":
        read = "always @* found = words[get];"
    return f"""
module {name} (input clk, fetch, input [{memory.lanes - 1}:0] enable, input [{address}:0] put, get,
               input [{bits}:0] word, output reg [{bits}:0] found);
  {"" if memory.has_old_words else "(* no_rw_check *)"} reg [{bits}:0] words [0:{memory.depth - 1}];
  always @(posedge clk) begin
{writes}  end
  {read}
endmodule
"""


BLOCK_CELLS = ("RAMB", "DP16KD", "PDPW16KD", "SB_RAM40", "SDP", "DP", "SP")


def counted(cells, family):
    """RAM blocks of their family's size, UltraRAM, and LUT sites of memories."""
    blocks = luts = 0
    for kind, count in cells.items():
        if kind.startswith(BLOCK_CELLS):
            blocks += count * (2 if kind.startswith("RAMB36") else 1)
        elif kind.startswith(("RAM", "TRELLIS_DPR")):
            luts += count * (MEMORY_SITES[kind] if family == "gowin" else sites_of(family))
    return blocks, cells.get("URAM288", 0), luts


def sites_of(family):
    return LUT_MEMORIES[family][0].sites


@pytest.mark.parametrize("family", sorted(LIBRARIES))
def test_the_rule_is_that_of_yosys(family, tmp_path):
    rng = np.random.default_rng(SEED)
    memories = [random_memory(rng) for _ in range(NUM_MEMORIES)]
    texts = [verilog_of(memory, f"m{n}") for n, memory in enumerate(memories)]
    (tmp_path / "design.v").write_text("\n".join(texts))
    passes = [
        "read_verilog design.v",
        "proc",
        "opt",
        "memory -nomap",
        "opt_clean",
        f"memory_libmap {LIBRARIES[family]}",
        f"techmap {MAPS[family]}",
        "tee -q -o cells.json stat -json",
    ]
    (tmp_path / "passes.json").write_text(json.dumps(passes))
    limits = Limits(wall_seconds=300)
    run([sys.executable, JOB], cwd=tmp_path, limits=limits, log_path=tmp_path / "log")
    modules = json.loads((tmp_path / "cells.json").read_text())["modules"]
    kinds = set()
    for number, memory in enumerate(memories):
        cells = modules[f"\\m{number}"].get("num_cells_by_type", {})
        expected = counted(cells, family)
        mapped = map_memory(memory, family)
        found = mapped.ram_blocks, mapped.large_ram_blocks, mapped.lut_ram
        assert found == expected, (SEED, memory, cells)
        kinds |= {kind for kind, count in enumerate(expected) if count}
    tried = {"xcup": {0, 1, 2}, "ice40": {0}}.get(family, {0, 2})
    assert kinds == tried, "blocks, LUTs and UltraRAM have all been tried"


def test_registers_where_nothing_else_is_cheaper():
    """Four bits in registers cost 4, in LUTs at least one primitive of ECP5's: 4 and its port."""
    mapped = map_memory(Memory(width=1, depth=2), "ecp5")
    assert (mapped.lut_ram, mapped.ram_blocks, mapped.ff) == (0, 0, 2 + 1)


def test_deep_memories_choose_among_blocks():
    """2,048 words of 36 bits on ECP5: blocks of 512 x 36 would need a choice, 2,048 x 9 none."""
    mapped = map_memory(Memory(width=36, depth=2048), "ecp5")
    assert (mapped.ram_blocks, mapped.mux_bits, mapped.ram_bits) == (4, 0, 36 * 2048)


def test_a_rom_is_never_written():
    """128 x 128 bits at a sixteenth each cost more than a block; 16 x 8 do not."""
    large = map_memory(Memory(width=128, depth=512, is_rom=True), "ecp5")
    small = map_memory(Memory(width=8, depth=16, is_rom=True), "ecp5")
    assert large.ram_blocks > 0
    assert (small.ram_blocks, small.lut_ram, small.ff) == (0, 0, 8)
