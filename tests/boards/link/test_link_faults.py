"""The host link over a channel with faults by chance: right data always."""

import random

import pytest
from tilewright.boards.link.faults import DeviceKilled, DevicePort, FaultRates, damage

MILD = FaultRates(drop=0.0005, double=0.0005, change=0.0005, insert=0.0005, flag=0.0002)


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_channel_gives_right_data(seed, board, link_to):
    """Every kind of fault on both ways, late answers too: what is read is what was written."""
    device, registers = board
    port = DevicePort(device, rates=MILD, late=0.05, seed=seed)
    link = link_to(port)
    link.open()
    draw = random.Random(seed)
    expected = bytearray(4096)
    starts = 0
    for _ in range(60):
        start = 16 * draw.randrange(240)
        data = draw.randbytes(16 * draw.randrange(1, 17))
        link.write_memory(start, data)
        expected[start : start + len(data)] = data
        if draw.random() < 0.3:
            link.write_registers(0, [starts])
            starts += 1
        assert link.read_memory(start, len(data)) == data, f"seed {seed}"
        assert registers.starts == starts, f"seed {seed}"
    assert link.read_memory(0, 4096) == expected
    assert link.statistics.repeats > 10, "the channel was not damaged enough to test anything"


@pytest.mark.parametrize("rates", [
    FaultRates(drop=0.004), FaultRates(double=0.004), FaultRates(change=0.004),
    FaultRates(insert=0.004), FaultRates(flag=0.004),
], ids=lambda rates: next(n for n in vars(rates) if getattr(rates, n)))  # fmt: skip
def test_each_kind_of_fault_alone(rates, board, link_to):
    device, _ = board
    link = link_to(DevicePort(device, rates=rates, seed=5))
    link.open()
    data = random.Random(2).randbytes(4096)
    link.write_memory(0, data)
    assert link.read_memory(0, 4096) == data
    assert link.statistics.repeats > 5


@pytest.mark.parametrize("seed", range(100))
def test_a_host_killed_anywhere_leaves_a_board_that_works(seed, board, link_to):
    """The first host ends in the middle of some byte sequence; the next begins at once."""
    device, registers = board
    draw = random.Random(seed)
    rates = MILD if seed % 2 else None
    port = DevicePort(device, rates=rates, seed=seed, kill_after=draw.randrange(1, 1500))
    for _ in range(2):
        before = bytes(device.memory)
        with pytest.raises(DeviceKilled):
            _work_for_ever(link_to(port))
        assert bytes(device.memory) in (before, b"killed host data" * 8 + before[128:])
        port = port.successor(kill_after=draw.randrange(1, 1500))
    port.kill_after = None
    link = link_to(port)
    assert link.open() == device.identity
    starts = registers.starts  # the hello's flag may have ended a last request of the killed host
    data = draw.randbytes(512)
    link.write_memory(256, data)
    link.write_registers(0, [1])
    assert link.read_memory(256, 512) == data
    assert registers.starts == starts + 1


def _work_for_ever(link):
    link.open()
    while True:
        link.write_memory(0, b"killed host data" * 8)
        link.write_registers(0, [1])
        link.read_memory(0, 128)


def test_damage_does_what_it_says():
    draw = random.Random(1)
    data = bytes(range(200)) * 50
    assert damage(data, FaultRates(), draw) == data
    assert len(damage(data, FaultRates(drop=0.1), draw)) == pytest.approx(9000, rel=0.03)
    assert len(damage(data, FaultRates(double=0.1), draw)) == pytest.approx(11000, rel=0.03)
    changed = damage(data, FaultRates(change=0.1), draw)
    assert sum(a != b for a, b in zip(changed, data, strict=True)) == pytest.approx(1000, rel=0.15)
