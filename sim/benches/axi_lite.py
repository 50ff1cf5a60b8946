"""Short protocol test of a register file: random accesses by cocotbext-axi, with random pauses.

`TILEWRIGHT_REGISTERS` is a JSON object: `rw` the offsets of registers of 32 bits that are read and
written, `ro` a map from offsets to constants, `unmapped` offsets that must answer with an error.
"""

import itertools
import json
import os
import random
from typing import Any

import cocotb
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from .common import reset, run_with_limit, start_clock

TABLE: dict[str, Any] = json.loads(os.environ.get("TILEWRIGHT_REGISTERS", "{}"))
NUM_ACCESSES = 300
LIMIT_CYCLES = 40_000


def _pauses(generator: random.Random, probability: float) -> Any:
    return (generator.random() < probability for _ in itertools.count())


@cocotb.test
@cocotb.parametrize(probability=[0.0, 0.5, 0.75])
async def random_accesses(dut: Any, probability: float) -> None:
    """Every byte written is read back; nothing else changes."""
    start_clock(dut)
    await reset(dut)
    bus = AxiLiteBus.from_prefix(dut, "s_axil")
    host = AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
    generator = random.Random(cocotb.RANDOM_SEED)
    write, read = host.write_if, host.read_if
    for channel in (write.aw_channel, write.w_channel, write.b_channel):
        channel.set_pause_generator(_pauses(random.Random(generator.random()), probability))
    for channel in (read.ar_channel, read.r_channel):
        channel.set_pause_generator(_pauses(random.Random(generator.random()), probability))
    await run_with_limit(_access(host, generator), LIMIT_CYCLES, "random accesses")


async def _access(host: Any, generator: random.Random) -> None:
    expected = {offset + lane: 0 for offset in TABLE["rw"] for lane in range(4)}
    for _ in range(NUM_ACCESSES):
        kind = generator.choice(("write", "write", "read", "constant", "unmapped"))
        offset = generator.choice(TABLE["rw"])
        if kind == "write":
            lane = generator.randrange(4)
            text = generator.randbytes(generator.randint(1, 4 - lane))
            expected.update(enumerate(text, offset + lane))
            answer = await host.write(offset + lane, text)
            assert answer.resp == AxiResp.OKAY, f"write of {offset:#x}: {answer.resp}"
        elif kind == "read":
            answer = await host.read(offset, 4)
            want = bytes(expected[offset + lane] for lane in range(4))
            assert answer.data == want, f"{offset:#x}: expected {want!r}, got {answer.data!r}"
        elif kind == "constant":
            where, value = generator.choice(list(TABLE["ro"].items()))
            answer = await host.read(int(where), 4)
            got = int.from_bytes(answer.data, "little")
            assert got == value, f"{where}: expected {value:#x}, got {got:#x}"
        else:
            where = generator.choice(TABLE["unmapped"])
            answers = [await host.read(where, 4), await host.write(where, bytes(4))]
            assert all(answer.resp == AxiResp.SLVERR for answer in answers), f"{where:#x}"
