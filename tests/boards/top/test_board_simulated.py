"""The whole board in Verilog under Verilator: faults on the line, hosts that are killed."""

import itertools
import random
from pathlib import Path

import pytest
from tilewright.boards.link.faults import FaultRates, damage
from tilewright.boards.link.host import Link, LinkRefusedError, LinkTiming
from tilewright.boards.link.messages import Identity
from tilewright.boards.top.params import BoardTopParams, MemoryParams, UartParams
from tilewright.boards.top.top import BoardTop

from tilewright.build.board_simulation import build_board, simulated_board
from tilewright.build.verilog import emit

pytestmark = pytest.mark.simulator

DIVISOR = 4
MEMORY_BYTES = 2048
MILD = FaultRates(drop=0.0004, double=0.0004, change=0.0004, insert=0.0004, flag=0.0002)
SESSIONS = itertools.count(1)
ANSWER_SECONDS = 1.0
"""What a busy computer may need; only lost frames take as long."""
IDENTITY = Identity(
    unit_bytes=4, spec_hash=0x600DCAFE, memory_bytes=MEMORY_BYTES, register_bytes=4096,
    clock_hz=4_000_000,
)  # fmt: skip


class HostKilled(Exception):
    """The host has sent its last byte."""


class DamagedPort:
    """A port whose bytes suffer both ways; ends its host after `kill_after` bytes."""

    def __init__(self, port, seed, *, rates=MILD, kill_after=None):
        self.port, self.rates, self.kill_after = port, rates, kill_after
        self.draw = random.Random(seed)

    def write(self, data):
        sent = data if self.kill_after is None else data[: self.kill_after]
        self.port.write(damage(sent, self.rates, self.draw))
        if self.kill_after is not None:
            self.kill_after -= len(sent)
            if self.kill_after == 0:
                raise HostKilled

    def read(self, seconds):
        return damage(self.port.read(seconds), self.rates, self.draw)


@pytest.fixture(scope="module")
def port():
    """A simulated board with a stub for an accelerator."""
    params = BoardTopParams(
        module="stub",
        uart=UartParams(divisor=DIVISOR),
        identity=IDENTITY,
        memory=MemoryParams(words=MEMORY_BYTES // 4, data_bytes=4, address_bits=12, outstanding=1),
        register_address_bits=12,
        led_is_inverted=(False, True),
        reset_is_inverted=True,
    )
    stub = Path(__file__).with_name("stub_accelerator.v").read_text()
    sources = {"stub.v": stub, "board.v": emit(BoardTop(params), "stub_board")}
    program = build_board(sources, "stub_board")
    with simulated_board(program, divisor=DIVISOR, baud=1_000_000, has_low_button=True) as opened:
        yield opened


def link_to(port):
    timing = LinkTiming(answer_seconds=ANSWER_SECONDS, attempts=60)
    return Link(port, timing=timing, session=next(SESSIONS))


def test_is_what_it_says(port):
    link = link_to(port)
    assert link.open() == IDENTITY
    assert link.state().bad_frames == 0
    data = random.Random(1).randbytes(MEMORY_BYTES)
    link.write_memory(0, data)
    assert link.read_memory(0, MEMORY_BYTES) == data
    link.write_registers(12, [5, 6, 7])
    assert link.read_registers(12, 3) == (5, 6, 7)
    with pytest.raises(LinkRefusedError, match="answered with an error"):
        link.read_registers(32)
    with pytest.raises(LinkRefusedError, match="refused"):
        link.write_memory(MEMORY_BYTES, b"over")
    assert link.statistics.bad_frames == 0  # repeats there may be: the machine may be busy


def test_a_reset_reaches_the_accelerator_and_keeps_the_memory(port):
    link = link_to(port)
    link.open()
    link.write_memory(0, b"kept")
    before = link.read_registers(8)[0]
    link.reset()
    assert link.read_registers(8) == (before + 1,)
    assert link.read_memory(0, 4) == b"kept"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_damaged_line_gives_right_data(port, seed):
    damaged = DamagedPort(port, seed)
    link = link_to(damaged)
    link.open()
    starts = link.read_registers(4)[0]
    draw = random.Random(seed)
    for _ in range(12):
        address = 4 * draw.randrange(MEMORY_BYTES // 4 - 64)
        data = draw.randbytes(4 * draw.randrange(1, 65))
        link.write_memory(address, data)
        link.write_registers(0, [1])
        starts += 1
        assert link.read_memory(address, len(data)) == data, f"seed {seed}"
        assert link.read_registers(4) == (starts,), f"seed {seed}: a start was lost or doubled"
    assert link.statistics.repeats > 2, "the line was not damaged enough to test anything"


@pytest.mark.parametrize("hosts", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_hosts_killed_anywhere_leave_a_board_that_works(port, hosts):
    draw = random.Random(hosts)
    for number in range(hosts):
        rates = MILD if number % 3 == 0 else FaultRates()
        killed = DamagedPort(port, number, rates=rates, kill_after=draw.randrange(1, 900))
        with pytest.raises(HostKilled):
            _work_for_ever(link_to(killed))
        link = link_to(port)
        link.open()
        starts = link.read_registers(4)[0]
        data = draw.randbytes(64)
        link.write_memory(512, data)
        link.write_registers(0, [1])
        assert link.read_memory(512, 64) == data, f"host {number}"
        assert link.read_registers(4) == (starts + 1,), f"host {number}"


def _work_for_ever(link):
    link.open()
    while True:
        link.write_memory(512, b"of a killed host" * 4)
        link.write_registers(0, [1])
        link.read_memory(512, 64)
