"""Netlists of yosys, counted and simulated."""

import json
import sys
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tilewright.build.compiled import compiled
from tilewright.build.process import Limits, run
from tilewright.build.synth.passes import mapping_passes, reading_passes
from tilewright.build.synth.target import Target
from tilewright.build.verilator import BuildOptions, find_toolchain

SEED = 41
NUM_CYCLES = 20000
HERE = Path(__file__).parent
DEVICES = {"ice40": "iCE40UP5K", "gowin": "GW2A-18C"}
"""Of the families whose passes depend on the device: one with multipliers."""
MODELS = ("cells_sim.v", "common_sim.vh", "ccu2c_sim.vh", "cells_ff.vh", "cells_io.vh")
LIMITS = Limits(wall_seconds=600)


def run_passes(folder, passes):
    """In a process of its own: yosys prints, and ends it when it does not like a design."""
    (folder / "passes.json").write_text(json.dumps(passes))
    script = str(HERE / "yosys_job.py")
    run([sys.executable, script], cwd=folder, limits=LIMITS, log_path=folder / "yosys.log")


class Netlists:
    """Synthesis of Verilog texts; each text and family once in a run of the tests."""

    here = HERE

    def __init__(self, folder):
        self.folder = folder
        self.netlist = cache(self._netlist)

    def _netlist(self, text, top, family):
        """The netlist of `top` as yosys's JSON."""
        folder = self._folder()
        (folder / "design.v").write_text(text)
        target = Target(family=family, device=DEVICES.get(family))
        passes = [*reading_passes(["design.v"], top), *mapping_passes(target, top, {})]
        run_passes(folder, [*(step.text for step in passes), "write_json netlist.json"])
        return json.loads((folder / "netlist.json").read_text())

    def cells(self, text, top, family):
        """How many cells of each type."""
        module = self.netlist(text, top, family)["modules"][top]
        return Counter(cell["type"] for cell in module["cells"].values())

    def verilog(self, netlist, top, name):
        """A netlist as Verilog; its module `top` is called `name`."""
        folder = self._folder()
        (folder / "netlist.json").write_text(json.dumps(netlist))
        passes = [
            "read_json netlist.json",
            "delete =A:blackbox =A:whitebox",
            f"rename {top} {name}",
        ]
        run_passes(folder, [*passes, "write_verilog -noattr netlist.v"])
        return (folder / "netlist.v").read_text()

    def _folder(self):
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        return folder


@pytest.fixture(scope="session")
def netlists(tmp_path_factory):
    """A `Netlists`; skips without yosys."""
    pytest.importorskip("pyosys", reason="no pyosys: pip install tilewright[synth]")
    return Netlists(tmp_path_factory.mktemp("netlists"))


def cell_library(folder):
    """Verilog of yosys's simulation models of a family: a file and what it includes."""
    share = Path(find_spec("pyosys").origin).parent / "share" / folder
    return {path.name: path.read_text() for path in share.glob("*") if path.name in MODELS}


def simulated(texts, top, folder):
    """Compiles and runs a SystemVerilog bench; the numbers of its line `RESULT a=1 b=2`."""
    toolchain = find_toolchain()
    options = BuildOptions(top=top, optimize="-O0")
    translate = [toolchain.perl, str(toolchain.root / "bin" / "verilator")]
    translate += ["-cc", "--exe", "--main", "--timing", "-Mdir", ".", "--prefix", "Vtop"]
    translate += ["--top-module", top, "-o", top, "--timescale", "1ns/1ps"]
    translate += ["-CFLAGS", "-std=c++20 -fcoroutines", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    translate += ["--x-assign", "0", "--x-initial", "0", "--no-assert"]
    translate += [name for name in texts if not name.endswith(".vh")]

    build, _ = compiled(texts, translate, options)
    result = run([str(build / top)], cwd=folder, log_path=folder / "run.log", limits=LIMITS)
    line = next((x for x in result.tail.splitlines() if x.startswith("RESULT")), None)
    assert line is not None, result.tail
    return {k: int(v) for k, v in (item.split("=") for item in line.split()[1:])}


@pytest.fixture
def bench(tmp_path):
    """Compiles and runs a bench: `bench(texts, top)`."""
    return lambda texts, top: simulated(texts, top, tmp_path)


BENCH = """
module tb;
  bit clk = 0;
  always #1 clk = ~clk;
{signals}
{instances}
  int cycles = 0, errors = 0, changes = 0;
  bit [{out_bits}:0] previous = 0;
  wire [{out_bits}:0] x = {{{outs_x}}}, y = {{{outs_y}}};
  always @(negedge clk) begin
    if (x != y) begin
      if (errors < 5) $display("cycle %0d: %0h, packed %0h", cycles, x, y);
      errors++;
    end
    if (x != previous) changes++;
    previous = x;
    if (cycles == {num_cycles}) begin
      $display("RESULT cycles=%0d errors=%0d changes=%0d", cycles, errors, changes);
      $finish;
    end
    cycles++;
{drive}
  end
endmodule
"""


def compared(netlists, bench, netlist, top, clock, pack, fixed):
    """A netlist and what `pack` makes of it under the same random inputs, cycle by cycle.

    `fixed` inputs follow an expression instead.
    """
    ports = netlist["modules"][top]["ports"]
    inputs = {n: len(p["bits"]) for n, p in ports.items() if p["direction"] == "input"}
    outputs = {n: len(p["bits"]) for n, p in ports.items() if p["direction"] == "output"}
    inputs.pop(clock)
    signals = [f"  bit [{bits - 1}:0] {name};" for name, bits in inputs.items()]
    instances = []
    for suffix in "xy":
        signals += [f"  wire [{bits - 1}:0] {n}_{suffix};" for n, bits in outputs.items()]
        pins = [f".{clock}(clk)"] + [f".{name}({name})" for name in inputs]
        pins += [f".{name}({name}_{suffix})" for name in outputs]
        instances.append(f"  dut_{suffix} dut_{suffix} ({', '.join(pins)});")
    rng = np.random.default_rng(SEED)
    drive = []
    for name, bits in inputs.items():
        words = ", ".join("$urandom" for _ in range(-(-bits // 32)))
        value = fixed.get(name, f"{bits}'({{{words}}})")
        drive.append(f"    {name} = {value};")
    text = BENCH.format(
        signals="\n".join(signals),
        instances="\n".join(instances),
        drive="\n".join(drive),
        out_bits=sum(outputs.values()) - 1,
        outs_x=", ".join(f"{n}_x" for n in outputs),
        outs_y=", ".join(f"{n}_y" for n in outputs),
        num_cycles=NUM_CYCLES,
    ).replace("int cycles", f"int seed = $urandom({rng.integers(1 << 30)});\n  int cycles")
    texts = cell_library("ecp5")
    texts["multiplier.v"] = (netlists.here / "ecp5_multiplier.v").read_text()
    texts["x.v"] = netlists.verilog(netlist, top, "dut_x")
    texts["y.v"] = netlists.verilog(pack(netlist), top, "dut_y")
    texts["tb.sv"] = text
    return bench(texts, "tb")


@pytest.fixture
def compare(netlists, bench):
    """`compare(netlist, top, clock, pack, fixed={})`: numbers of cycles, errors and changes."""
    return lambda netlist, top, clock, pack, fixed=None: compared(
        netlists, bench, netlist, top, clock, pack, fixed or {}
    )
