"""The tables that can be selected. Numbers are as published; what was decided is a remark."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tilewright.spec.diagnostics import suggestion

from .table import EnergyTable, Sram

KIB = 1024
DEFAULT = "horowitz_45nm"

_EXERCISES = (
    "Accelergy-Project/timeloop-accelergy-exercises, workspace/example_designs/example_designs/"
)
_LPDDR4 = 512 / 64
"""CactiDRAM of Accelergy: 512 pJ for 64 bits."""

HOROWITZ = EnergyTable(
    name="horowitz_45nm",
    title="Horowitz, 45 nm, 0.9 V",
    source=(
        "M. Horowitz, Computing's Energy Problem (and what we can do about it), ISSCC 2014, "
        "figure 1.1.9"
    ),
    multiply=((8, 0.2), (32, 3.1)),
    add=((8, 0.03), (32, 0.1)),
    srams=(
        Sram(capacity_bytes=8 * KIB, access_bits=64, read=10.0),
        Sram(capacity_bytes=32 * KIB, access_bits=64, read=20.0),
        Sram(capacity_bytes=1024 * KIB, access_bits=64, read=100.0),
    ),
    dram=(1300 / 64, 1950 / 64, 2600 / 64),
    remarks=(
        "caches stand for scratchpads; DRAM is published as 1.3 to 2.6 nJ for 64 bits, the middle "
        "is ours; registers are not published"
    ),
)

ALADDIN = EnergyTable(
    name="aladdin_40nm",
    title="Aladdin, 40 nm, at 5 ns",
    source=(
        "Y. Shao et al., Aladdin, ISCA 2014, as tables in Accelergy's plug-in "
        "(accelergy-aladdin-plug-in, data/multiplier.csv, adder.csv, reg.csv); memories: "
        + _EXERCISES
        + "simple_weight_stationary, ERT of CACTI at 45 nm"
    ),
    multiply=((32, 8.63),),
    add=((32, 0.0857),),
    register=0.009,
    srams=(
        Sram(capacity_bytes=384, access_bits=16, read=0.680237, write=1.582678),
        Sram(capacity_bytes=128 * KIB, access_bits=64, read=32.377775, write=26.156875),
    ),
    dram=(_LPDDR4, _LPDDR4, _LPDDR4),
    remarks=(
        "the tables have one width, 32 bits; 5 ns is the plug-in's default; Aladdin has no "
        "memories: they are those that Accelergy adds"
    ),
)

ACCELERGY = EnergyTable(
    name="accelergy_45nm",
    title="Accelergy's example, 45 nm",
    source=_EXERCISES + "simple_weight_stationary/ref_outputs, timeloop-mapper.ERT_summary.yaml",
    mac=((8, 0.315),),
    register=0.144 / 16,
    srams=ALADDIN.srams,
    dram=(_LPDDR4, _LPDDR4, _LPDDR4),
    remarks="the MAC is 8 x 8 bits with a sum of 16; a register of 16 bits counts when it is read",
)

ACCELERGY_EYERISS = EnergyTable(
    name="accelergy_65nm",
    title="Accelergy's Eyeriss-like example, 65 nm",
    source=_EXERCISES + "eyeriss_like/ref_outputs, timeloop-mapper.ERT_summary.yaml",
    mac=((8, 0.207692),),
    srams=(
        Sram(capacity_bytes=24, access_bits=16, read=0.202442, write=0.176713),
        Sram(capacity_bytes=32, access_bits=16, read=0.2513, write=0.2191),
        Sram(capacity_bytes=384, access_bits=16, read=1.976602, write=1.881657),
        Sram(capacity_bytes=128 * KIB, access_bits=64, read=18.183829, write=14.137929),
    ),
    dram=(_LPDDR4, _LPDDR4, _LPDDR4),
    remarks="its small memories are files of registers with comparators; registers alone are none",
)

EYERISS = EnergyTable(
    name="eyeriss_65nm",
    title="Eyeriss, 65 nm, relative to a MAC of 16 bits",
    source="Y.-H. Chen, J. Emer, V. Sze, Eyeriss: A Spatial Architecture, ISCA 2016, table IV",
    unit="16-bit MACs",
    mac=((16, 1.0),),
    register=1.0 / 16,
    srams=(
        Sram(capacity_bytes=KIB // 2, access_bits=16, read=1.0),
        Sram(capacity_bytes=100 * KIB, access_bits=16, read=6.0),
    ),
    dram=(200 / 16, 200 / 16, 200 / 16),
    remarks=(
        "register file of 0.5 kB 1, buffer above 100 kB 6, DRAM 200, for 16 bits each; a register "
        "counts as the file"
    ),
)

TABLES: Mapping[str, EnergyTable] = MappingProxyType(
    {table.name: table for table in (HOROWITZ, ALADDIN, ACCELERGY, ACCELERGY_EYERISS, EYERISS)}
)


def table_names() -> tuple[str, ...]:
    """Names of all tables, the default first."""
    return tuple(TABLES)


def energy_table(name: str) -> EnergyTable:
    """A table by its name. Raises ValueError with what was probably meant."""
    if name not in TABLES:
        raise ValueError(f"no energy table {name!r}; {suggestion(name, table_names(), 'table')}")
    return TABLES[name]
