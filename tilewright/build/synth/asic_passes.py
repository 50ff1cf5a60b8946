"""Passes, scripts and constraints of ASIC synthesis: yosys and its ABC, from typed values only.

The multiplier is Booth's (`booth`). ABC's part is one script of our own: structural choices, area
oriented mapping over them, then buffers and sizes for the period. For a PE of sg13g2 that is 2 %
smaller and 15 % faster than ABC's usual script (`&nf`).
"""

from dataclasses import dataclass
from typing import Final

from tilewright.build.synth.passes import Pass, identifier, plain_file

__all__ = ["ABC_LOG", "CONSTRAINTS", "LIBERTY", "MAPPED", "REGISTERS", "SCRIPT", "Mapping",
           "abc_constraints", "abc_script", "coarse_passes", "gate_passes",
           "last_passes"]  # fmt: skip

LIBERTY: Final = "cells.lib"
CONSTRAINTS: Final = "abc.constr"
SCRIPT: Final = "abc.script"
ABC_LOG: Final = "abc.log"
MAPPED: Final = "mapped.json"
REGISTERS: Final = "tilewright_registers"
"""Attribute of memories that stay as they are: a black box each."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """What mapping to cells needs of the library.

    ties : cell and pin of constant 1, cell and pin of constant 0; empty: constants stay.
    buffer : the cell that drives every path in the estimate. load_femtofarads : at its end.
    """

    period_ps: int
    buffer: str = ""
    load_femtofarads: float = 0.0
    ties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.period_ps <= 10**9:
            raise ValueError(f"period: from 1 ps to 1 ms, got {self.period_ps} ps")
        if len(self.ties) not in (0, 4):
            raise ValueError("ties: cell and pin of 1, cell and pin of 0")


def coarse_passes() -> list[Pass]:
    """Words and operators: what `synth` does first, with multipliers by Booth and without FSMs.

    Initial values go: a flip-flop of a cell library has none, and resets do not rely on them.
    """
    return [
        Pass("attrmap", ("-remove", "init")),
        Pass("opt_expr"),
        Pass("opt_clean"),
        Pass("check"),
        Pass("opt", ("-nodffe", "-nosdff")),
        Pass("opt"),
        Pass("wreduce"),
        Pass("peepopt"),
        Pass("opt_clean"),
        Pass("booth"),
        Pass("alumacc"),
        Pass("share"),
        Pass("opt"),
        Pass("memory", ("-nomap",)),
        Pass("opt_clean"),
    ]


def gate_passes(mapping: Mapping) -> list[Pass]:
    """Operators to cells of the library; memories without the attribute become registers. On the
    way a netlist is written in which nets are called as ABC knows them.
    """
    period = str(mapping.period_ps)
    abc = ["abc", "-liberty", LIBERTY, "-script", SCRIPT, "-D", period]
    abc += ["-constr", CONSTRAINTS] if mapping.buffer else []
    return [
        Pass("opt", ("-fast", "-full")),
        Pass("memory_map", ("-attr", REGISTERS)),
        Pass("attrmap", ("-remove", "init")),  # of the memories that have become registers
        Pass("opt", ("-undriven", "-fine")),
        Pass("techmap"),
        Pass("opt", ("-fast",)),
        Pass("dfflibmap", ("-liberty", plain_file(LIBERTY))),
        Pass("opt"),
        Pass("tee", ("-o", ABC_LOG, *abc)),
        Pass("read_liberty", ("-lib", "-ignore_miss_func", plain_file(LIBERTY))),
        Pass("write_json", (MAPPED,)),  # before the nets that ABC knows are cleaned away
        Pass("opt_clean"),
    ]


def last_passes(mapping: Mapping) -> list[Pass]:
    """Constants from tie cells, cells called after the nets at them, the netlist in both forms."""
    ties = []
    if mapping.ties:
        high, high_pin, low, low_pin = (identifier(word) for word in mapping.ties)
        words = ("-singleton", "-hicell", high, high_pin, "-locell", low, low_pin)
        ties = [Pass("hilomap", words)]
    return [
        *ties,
        Pass("autoname"),
        Pass("write_json", ("netlist.json",)),
        Pass("write_verilog", ("-noattr", "netlist.v")),
    ]


def abc_script(mapping: Mapping) -> str:
    """The script that ABC runs on the gates between registers."""
    period = str(mapping.period_ps)
    sizes = [["buffer"], ["upsize", "-D", period], ["dnsize", "-D", period]]
    last = [*sizes, ["stime", "-p"]] if mapping.buffer else [["print_stats"]]
    lines = [["strash"], ["dch"], ["amap", "-m"], ["topo"], *last]
    return "".join(f"{' '.join(line)}\n" for line in lines)


def abc_constraints(mapping: Mapping) -> str:
    """What drives the gates and what they drive; ABC counts loads in femtofarads."""
    return (
        f"set_driving_cell {identifier(mapping.buffer)}\nset_load {mapping.load_femtofarads:.6f}\n"
    )
