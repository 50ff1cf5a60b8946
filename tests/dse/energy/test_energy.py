"""Energies by published tables, against the published entries and arithmetic by hand."""

import numpy as np
import pytest
from tilewright.dse.energy.account import MACS, OFF_CHIP, Accesses, energy_of
from tilewright.dse.energy.ranking import agreements, by_every_table, kendall_tau
from tilewright.dse.energy.table import EnergyTable, Sram, along
from tilewright.dse.energy.tables import (
    ALADDIN,
    DEFAULT,
    EYERISS,
    HOROWITZ,
    TABLES,
    energy_table,
    table_names,
)


def test_every_table_says_where_it_is_from() -> None:
    assert DEFAULT in TABLES
    for name in table_names():
        table = energy_table(name)
        assert table.name == name and table.title and table.remarks
        assert any(mark in table.source for mark in ("ISSCC", "ISCA", "Accelergy-Project"))


def test_an_unknown_table_says_what_was_meant() -> None:
    with pytest.raises(ValueError, match="did you mean `horowitz_45nm`"):
        energy_table("horowitz")


@pytest.mark.parametrize("name", table_names())
def test_published_entries_come_back(name: str) -> None:
    table = energy_table(name)
    for width, energy in table.mac:
        assert table.mac_energy(width, width, 32) == pytest.approx(energy)
    for width, energy in table.multiply:
        sums = table.add[-1][1]
        assert table.mac_energy(width, width, 32) == pytest.approx(energy + sums)
    for sram in table.srams:
        read = float(table.sram_read(sram.capacity_bytes)) * sram.access_bits
        write = float(table.sram_write(sram.capacity_bytes)) * sram.access_bits
        assert read == pytest.approx(sram.read)
        assert write == pytest.approx(sram.read if sram.write is None else sram.write)


def test_powers_between_and_beyond() -> None:
    points = [(2.0, 3.0), (8.0, 48.0)]  # exponent 2
    found = along(points, [1, 2, 4, 8, 32], exponent=0.5)
    assert found == pytest.approx([3 / np.sqrt(2), 3, 12, 48, 96])
    assert along([(4.0, 1.0)], [1, 4, 16], exponent=2) == pytest.approx([1 / 16, 1, 16])


def test_widths() -> None:
    """Aladdin has 32 bits alone: 8 x 8 costs a sixteenth, 8 x 32 a quarter, sums as their width."""
    mac = ALADDIN.mac_energy([8, 8], [8, 32], [16, 32])
    assert mac == pytest.approx([8.63 / 16 + 0.0857 / 2, 8.63 / 4 + 0.0857])
    between = 0.2 * (3.1 / 0.2) ** 0.5 + 0.1  # 16 is half way from 8 to 32
    assert HOROWITZ.mac_energy(16, 16, 32) == pytest.approx(between)
    assert EYERISS.mac_energy(8, 8, 32) == pytest.approx(0.25)


def test_energy_by_hand() -> None:
    """Two designs of Horowitz' entries: 8-bit MACs, a scratchpad of 8 KiB or 1 MiB."""
    energy = energy_of(
        HOROWITZ,
        macs=1000,
        accesses=[
            Accesses(level="PE", capacity_bytes=None, read_bits=5, written_bits=5),
            Accesses(
                level="scratchpad",
                capacity_bytes=[8 * 1024, 1024 * 1024],
                read_bits=640,
                written_bits=[0, 64],
            ),
        ],
        bytes_off_chip=[8, 0],
    )
    macs = 1000 * (0.2 + 0.1)
    assert energy.total == pytest.approx([macs + 100 + 1950, macs + 1000 + 100])
    assert energy.low == pytest.approx([macs + 100 + 1300, macs + 1100])
    assert energy.high == pytest.approx([macs + 100 + 2600, macs + 1100])
    assert energy.missing == ("PE",)
    assert energy.unit == "pJ"
    assert list(energy.parts) == [MACS, "PE", "scratchpad", OFF_CHIP]
    assert sum(energy.parts.values()) == pytest.approx(energy.total)


def test_registers_count_where_a_table_has_them() -> None:
    access = Accesses(level="PE", capacity_bytes=None, read_bits=100, written_bits=[0, 100])
    energy = energy_of(ALADDIN, macs=0, accesses=[access], bytes_off_chip=0)
    assert energy.total == pytest.approx([0.9, 1.8])
    assert energy.missing == ()


def test_many_designs_and_layers_at_once() -> None:
    """The same as one at a time; axes of layers and of designs broadcast."""
    random = np.random.default_rng(11)
    macs = random.integers(1, 10**9, (7, 1))
    capacity = 2 ** random.integers(6, 22, (1, 50))
    bits, moved = random.integers(0, 10**9, (7, 50)), random.integers(0, 10**7, (7, 50))
    for table in TABLES.values():
        access = Accesses(level="s", capacity_bytes=capacity, read_bits=bits, written_bits=bits)
        together = energy_of(table, macs=macs, accesses=[access], bytes_off_chip=moved)
        assert together.total.shape == (7, 50)
        alone = Accesses(
            level="s",
            capacity_bytes=int(capacity[0, 9]),
            read_bits=int(bits[3, 9]),
            written_bits=int(bits[3, 9]),
        )
        one = energy_of(
            table, macs=int(macs[3, 0]), accesses=[alone], bytes_off_chip=int(moved[3, 9])
        )
        assert together.total[3, 9] == pytest.approx(float(one.total))


@pytest.mark.parametrize("table", list(TABLES.values()), ids=table_names())
def test_more_of_anything_is_more_energy(table: EnergyTable) -> None:
    capacities = np.geomspace(16, 2**24, 200)
    assert (np.diff(table.sram_read(capacities)) > 0).all()
    assert (np.diff(table.sram_write(capacities)) > 0).all()
    widths = np.arange(1, 65)
    assert (np.diff(table.mac_energy(widths, widths, 32)) > 0).all()


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="macs must be 0 or more"):
        energy_of(HOROWITZ, macs=-1, accesses=[], bytes_off_chip=0)
    with pytest.raises(ValueError, match="bytes_off_chip must be 0 or more"):
        energy_of(HOROWITZ, macs=1, accesses=[], bytes_off_chip=[float("nan")])
    with pytest.raises(ValueError, match="capacity_bytes must be above 0"):
        HOROWITZ.sram_read(0)
    twice = Accesses(level="s", capacity_bytes=64, read_bits=1, written_bits=1)
    with pytest.raises(ValueError, match="stands twice"):
        energy_of(HOROWITZ, macs=1, accesses=[twice, twice], bytes_off_chip=0)


def test_wrong_tables_are_refused() -> None:
    sram = Sram(capacity_bytes=64, access_bits=8, read=1.0)
    common = {"name": "x", "title": "x", "source": "x", "dram": (1.0, 1.0, 1.0)}
    with pytest.raises(ValueError, match="needs either mac"):
        EnergyTable(**common, srams=(sram,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="in order of capacity"):
        EnergyTable(**common, mac=((8, 1.0),), srams=(sram, sram))  # type: ignore[arg-type]


def test_kendall_tau_by_hand() -> None:
    """Of ten pairs one is the other way round: (9 - 1) / 10."""
    assert kendall_tau([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]) == pytest.approx(0.8)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1, 1, 1], [2, 2, 2]) == 1
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0
    with pytest.raises(ValueError, match="two or more designs"):
        kendall_tau([1], [1])
    with pytest.raises(ValueError, match="finite"):
        kendall_tau([1, float("inf")], [1, 2])


def test_kendall_tau_counts_pairs() -> None:
    random = np.random.default_rng(4)
    a, b = random.integers(0, 8, (2, 40))
    order = np.sign(a[:, None] - a) * np.sign(b[:, None] - b)
    untied = [np.count_nonzero(np.sign(of[:, None] - of)) for of in (a, b)]
    assert kendall_tau(a, b) == pytest.approx(order.sum() / np.sqrt(untied[0] * untied[1]))


def test_how_far_a_ranking_depends_on_the_table() -> None:
    """One design has less traffic off chip, the other small memories: tables disagree on which."""
    found = {(a.first, a.second): a for a in agreements({"x": [1, 2, 4], "y": [3, 2, 4]})}
    assert found["x", "y"].tau == pytest.approx(1 / 3)
    assert found["x", "y"].loss == pytest.approx(0.5)
    assert found["y", "x"].loss == pytest.approx(1.0)


def test_the_tables_disagree_on_real_choices() -> None:
    """A scratchpad's size against traffic: less traffic in a larger, dearer memory."""
    capacity = np.array([2.0**k for k in range(10, 21)])
    access = Accesses(level="scratchpad", capacity_bytes=capacity, read_bits=3e9, written_bits=3e8)
    energies, found = by_every_table(
        macs=1e9, accesses=[access], bytes_off_chip=3e7 * np.sqrt(2**20 / capacity) / 8
    )
    assert set(energies) == set(TABLES)
    assert len(found) == len(TABLES) * (len(TABLES) - 1)
    taus = {(a.first, a.second): a.tau for a in found}
    assert min(taus.values()) < 0.5 < max(taus.values())
    assert all(taus[a, b] == pytest.approx(taus[b, a]) for a, b in taus)
    assert all(a.loss >= 0 for a in found)
