"""The register file on AXI4-Lite."""

import itertools

from amaranth.sim import Simulator
from tilewright.hw.lib import cost
from tilewright.hw.lib.accelerator_registers import ID_VALUE, accelerator_registers
from tilewright.hw.lib.axi_lite import RegisterFile, RegisterFileParams

OKAY, SLVERR = 0, 2
TABLE = accelerator_registers(
    units=("load", "store", "array.core"), version=0x000100, spec_hash=0xDEADBEEF, program_bytes=600
)
OFFSET = {register.name: register.offset for register in TABLE.registers}
PROGRAM = TABLE.windows[0]


class Host:
    """A manager that makes single accesses, and sees the ports."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut, self.bus = ctx, dut, dut.bus
        self.cycle = 0
        self.seen = []  # (cycle, name, value) of pulses and window writes
        self.event_cycle = None  # when the hardware sets irq_status.done

    async def tick(self):
        ctx, dut = self.ctx, self.dut
        for name in ("control_start", "control_soft_reset", "program_valid"):
            if ctx.get(getattr(dut, name)):
                place = ctx.get(dut.program_address), ctx.get(dut.program_data)
                self.seen.append((self.cycle, name, *(place if name == "program_valid" else ())))
        await ctx.tick()
        self.cycle += 1
        if self.event_cycle is not None:
            ctx.set(dut.irq_status_done_set, self.cycle == self.event_cycle)

    async def write(self, address, data, strobe=15, aw_delay=0, w_delay=0, b_delay=0):
        """The response, and the cycles of the W handshake and of BVALID."""
        ctx, bus = self.ctx, self.bus
        ctx.set(bus.awaddr, address)
        ctx.set(bus.wdata, data)
        ctx.set(bus.wstrb, strobe)
        started, done, first_response, w_cycle = self.cycle, set(), None, None
        for _ in range(50):
            since = self.cycle - started
            ctx.set(bus.awvalid, "aw" not in done and since >= aw_delay)
            ctx.set(bus.wvalid, "w" not in done and since >= w_delay)
            if ctx.get(bus.bvalid) and first_response is None:
                first_response = self.cycle
            take = first_response is not None and self.cycle >= first_response + b_delay
            ctx.set(bus.bready, take)
            response = ctx.get(bus.bresp)
            if ctx.get(bus.awvalid) and ctx.get(bus.awready):
                done.add("aw")
            if ctx.get(bus.wvalid) and ctx.get(bus.wready):
                done.add("w")
                w_cycle = self.cycle
            await self.tick()
            if take:
                ctx.set(bus.bready, 0)
                return response, w_cycle, first_response
        raise AssertionError(f"write to {address:#x}: no response in 50 cycles")

    async def read(self, address, r_delay=0):
        """Data, response, cycles from AR handshake to RVALID."""
        ctx, bus = self.ctx, self.bus
        ctx.set(bus.araddr, address)
        ctx.set(bus.arvalid, 1)
        accepted = first = None
        for _ in range(50):
            if ctx.get(bus.rvalid) and first is None:
                first = self.cycle
            take = first is not None and self.cycle >= first + r_delay
            ctx.set(bus.rready, take)
            result = ctx.get(bus.rdata), ctx.get(bus.rresp)
            handshake = ctx.get(bus.arvalid) and ctx.get(bus.arready)
            await self.tick()
            if handshake:
                accepted = self.cycle - 1
                ctx.set(bus.arvalid, 0)
            if take:
                ctx.set(bus.rready, 0)
                return (*result, first - accepted)
        raise AssertionError(f"read of {address:#x}: no data in 50 cycles")


def run(scenario, table=TABLE):
    dut = RegisterFile(RegisterFileParams(table=table))

    async def bench(ctx):
        await scenario(Host(ctx, dut), ctx, dut)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_read_write_registers_keep_bytes_without_strobe():
    async def scenario(host, ctx, dut):
        base = OFFSET["memory_base_low"]
        assert (await host.read(base))[:2] == (0, OKAY)
        expected = 0
        for strobe in range(16):
            data = 0x01020304 * (strobe + 1) & 0xFFFFFFFF
            mask = sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)
            expected = expected & ~mask | data & mask
            assert (await host.write(base, data, strobe))[0] == OKAY
            assert await host.read(base) == (expected, OKAY, cost.REGISTER_ADDRESS_TO_DATA)
            assert ctx.get(dut.memory_base_low) == expected, f"strobe {strobe:04b}"

    run(scenario)


def test_channels_in_any_order_and_slow_responses():
    async def scenario(host, ctx, dut):
        base = OFFSET["memory_base_high"]
        delays = itertools.product((0, 1, 5), (0, 1, 5), (0, 1, 5))
        for number, (aw_delay, w_delay, b_delay) in enumerate(delays):
            await host.write(base, number, 15, aw_delay, w_delay, b_delay)
            data, response, _ = await host.read(base, r_delay=b_delay)
            assert (data, response) == (number, OKAY), (aw_delay, w_delay, b_delay)

    run(scenario)


def test_start_is_one_pulse_at_the_documented_cycle():
    async def scenario(host, ctx, dut):
        _, w_cycle, b_cycle = await host.write(OFFSET["control"], 1)
        for _ in range(3):
            await host.tick()
        assert host.seen == [(w_cycle + cost.REGISTER_WRITE_TO_PULSE, "control_start")]
        assert b_cycle == w_cycle + cost.REGISTER_WRITE_TO_RESPONSE
        assert (await host.read(OFFSET["control"]))[:2] == (0, OKAY)
        _, w_cycle, _ = await host.write(OFFSET["control"], 2, w_delay=3)
        assert host.seen[1:] == [(w_cycle + cost.REGISTER_WRITE_TO_PULSE, "control_soft_reset")]
        await host.write(OFFSET["control"], 3, strobe=0b1110)
        assert len(host.seen) == 2

    run(scenario)


def test_interrupt_is_set_by_events_and_cleared_by_ones():
    async def scenario(host, ctx, dut):
        ctx.set(dut.irq_status_done_set, 1)
        await host.tick()
        ctx.set(dut.irq_status_done_set, 0)
        assert not ctx.get(dut.irq)
        assert (await host.read(OFFSET["irq_status"]))[0] == 1
        await host.write(OFFSET["irq_enable"], 1)
        await host.tick()
        assert ctx.get(dut.irq)
        await host.write(OFFSET["irq_status"], 2)
        assert ctx.get(dut.irq), "writing 1 to another bit cleared it"
        await host.write(OFFSET["irq_status"], 1)
        assert not ctx.get(dut.irq)
        for delay in (1, 2):  # with the clear, and a cycle after it
            host.event_cycle = host.cycle + delay
            await host.write(OFFSET["irq_status"], 1)
            assert (await host.read(OFFSET["irq_status"]))[0] == 1, f"event lost, delay {delay}"
            await host.write(OFFSET["irq_status"], 1)
            assert (await host.read(OFFSET["irq_status"]))[0] == 0

    run(scenario)


def test_every_accepted_write_is_answered_once():
    """Writes one after the other while no response is taken, then all are."""

    async def scenario(host, ctx, dut):
        bus = dut.bus
        ctx.set(bus.awaddr, OFFSET["memory_base_low"])
        ctx.set(bus.wstrb, 15)
        accepted = answered = 0
        for cycle in range(40):
            ctx.set(bus.awvalid, cycle < 20)
            ctx.set(bus.wvalid, cycle < 20)
            ctx.set(bus.wdata, accepted + 1)
            ctx.set(bus.bready, cycle >= 15)
            accepted += ctx.get(bus.wvalid) and ctx.get(bus.wready)
            answered += ctx.get(bus.bvalid) and ctx.get(bus.bready)
            await host.tick()
        assert accepted == answered > 2
        assert ctx.get(dut.memory_base_low) == accepted

    run(scenario)


def test_read_only_values_and_constants():
    async def scenario(host, ctx, dut):
        ctx.set(dut.status_busy, 1)
        ctx.set(dut.errors_write_response, 1)
        ctx.set(dut.cycles_high, 0x12345678)
        expected = {
            "id": ID_VALUE,
            "version": 0x100,
            "spec_hash": 0xDEADBEEF,
            "status": 1,
            "errors": 2,
            "cycles_high": 0x12345678,
            "num_counters": 18,
        }
        for name, value in expected.items():
            assert (await host.read(OFFSET[name]))[:2] == (value, OKAY), name
            assert (await host.write(OFFSET[name], 0xFFFFFFFF))[0] == SLVERR, name
            assert (await host.read(OFFSET[name]))[:2] == (value, OKAY), name

    run(scenario)


def test_unmapped_offsets_are_errors_and_change_nothing():
    mapped = set(OFFSET.values())

    async def scenario(host, ctx, dut):
        for offset in range(0, 0x100, 4):
            if offset not in mapped:
                assert (await host.read(offset))[:2] == (0, SLVERR), f"{offset:#x}"
                assert (await host.write(offset, 0xFFFFFFFF))[0] == SLVERR, f"{offset:#x}"
        for offset in (0x100, PROGRAM.offset - 4, PROGRAM.offset + PROGRAM.size_bytes):
            assert (await host.read(offset))[1] == SLVERR, f"{offset:#x}"
            assert (await host.write(offset, 1))[0] == SLVERR, f"{offset:#x}"
        assert not host.seen
        assert ctx.get(dut.memory_base_low) == ctx.get(dut.memory_base_high) == 0

    run(scenario)


def test_program_window():
    async def scenario(host, ctx, dut):
        words = [0, 1, 77, PROGRAM.num_words - 1]
        for word in words:
            assert (await host.write(PROGRAM.offset + 4 * word, 1000 + word))[0] == OKAY
        assert [entry[1:] for entry in host.seen] == [
            ("program_valid", word, 1000 + word) for word in words
        ]
        assert (await host.read(PROGRAM.offset))[1] == SLVERR

    run(scenario)
