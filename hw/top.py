"""The accelerator: units, queues, tokens, scratchpad and registers, wired by a `HardwareConfig`."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.configure import READ_PORTS, WRITE_PORTS
from tilewright.hw.hardware_config import CORE, UNITS, HardwareConfig
from tilewright.hw.lib.axi import AxiLiteSignature, AxiSignature, connect_flat, flat_members
from tilewright.hw.lib.axi_lite import RegisterFile, RegisterFileParams
from tilewright.hw.lib.counters import ActivityCounters
from tilewright.hw.lib.dma_read import LoadDMA
from tilewright.hw.lib.dma_write import StoreDMA
from tilewright.hw.lib.layout import equals
from tilewright.hw.lib.params import Activity, CounterParams
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.hw.lib.sequencer import CommandQueue
from tilewright.hw.lib.streamer import ReadStreamer, WriteStreamer
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.hw.register_map import register_table

__all__ = ["Accelerator", "register_table"]

PARTS = {
    "load": LoadDMA,
    "store": StoreDMA,
    "array.a": ReadStreamer,
    "array.b": ReadStreamer,
    "array.o": WriteStreamer,
}


def outside_members(config: HardwareConfig) -> dict[str, wiring.Member]:
    """The accelerator's ports."""
    lite = AxiLiteSignature(register_table(config).address_bits)
    return {
        "aclk": In(1),
        "aresetn": In(1),
        "irq": Out(1),
        **flat_members("s_axil", lite.flip()),
        **flat_members("m_axi", AxiSignature(config.axi)),
    }


class Accelerator(wiring.Component):
    """A complete accelerator: started over AXI4-Lite, it runs its program alone and raises `irq`.

    Parameters
    ----------
    config : HardwareConfig. engine : component class of the engine's template.

    Members
    -------
    aclk, aresetn : In(1), clock and active-low synchronous reset. irq : Out(1).
    s_axil_* : AXI4-Lite subordinate, the registers of `register_table`.
    m_axi_* : AXI4 manager, the memory.

    Timing
    ------
    The start bit's W handshake in t: units get their first commands in t + `cost.START_TO_COMMAND`.
    Done when every queue is empty, every unit idle and every write answered.
    """

    def __init__(self, config: HardwareConfig, engine: type[wiring.Component]) -> None:
        self.config = config
        self.engine = engine
        self.table = register_table(config)
        super().__init__(outside_members(config))

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        m.submodules.registers = registers = RegisterFile(RegisterFileParams(table=self.table))
        connect_flat(m, self, "s_axil", registers.bus)
        m.d.comb += self.irq.eq(registers.irq)
        launch = Signal()
        running = Signal()
        clear = Signal()
        cleared = Signal()  # a cycle later: nothing comes before the first commands
        parts = self._parts(m)
        queues = self._queues(m, parts, launch, registers)
        token_error = self._tokens(m, parts, launch, cleared, registers)
        self._memory(m, parts, registers)
        program_error = token_error | self._scratchpad(m, parts, cleared)
        idle = (
            Cat(queue.done for queue in queues.values()).all()
            & ~Cat(part.busy for part in parts.values()).any()
        )
        finished = running & idle
        m.d.comb += [
            launch.eq(registers.control_start & ~running),
            clear.eq(launch | registers.control_soft_reset & ~running),
        ]
        m.d.sync += cleared.eq(clear)
        with m.If(launch):
            m.d.sync += running.eq(1)
        with m.Elif(finished):
            m.d.sync += running.eq(0)
        self._status(m, registers, parts, (clear, cleared), running, finished, program_error)
        self._count(m, registers, parts, launch, (clear, cleared), running)
        return m

    def _parts(self, m):
        """One part per unit, and the streams between the engine and its neighbours."""
        parts = {}
        for unit in self.config.units:
            part = self.engine if unit.name == CORE else PARTS[unit.name]
            parts[unit.name] = component = part(unit.params)
            m.submodules[unit.name.replace(".", "_")] = component
        core = parts[CORE]
        wiring.connect(m, parts["array.a"].o, core.a)
        wiring.connect(m, parts["array.b"].o, core.b)
        wiring.connect(m, parts["load"].p, core.p)
        m.d.comb += [
            parts["array.o"].i.valid.eq(core.o.valid),
            parts["array.o"].i.payload.eq(core.o.payload.data),
            core.o.ready.eq(parts["array.o"].i.ready),
        ]
        return parts

    def _queues(self, m, parts, launch, registers):
        """A command queue per unit; in a programmable accelerator the program window fills them."""
        queues = {}
        for place, unit in enumerate(self.config.units):
            name = unit.name.replace(".", "_")
            m.submodules[f"{name}_queue"] = queue = CommandQueue(unit.queue)
            queues[unit.name] = queue
            wiring.connect(m, queue.o, parts[unit.name].command)
            m.d.comb += queue.start.eq(launch)
            if self.config.is_programmable:
                length = Signal(unit.queue.length_bits, name=f"{name}_length")
                row, chunk, enable = self._window(registers)
                row_of_length = len(self.config.tokens) + place
                with m.If(enable & equals(row, row_of_length) & equals(chunk, 0)):
                    m.d.sync += length.eq(registers.program_data)
                unit_rows = self.config.program_unit_rows
                m.d.comb += [
                    queue.length.eq(length),
                    queue.write.enable.eq(enable & (row // unit_rows == place + 1)),
                    queue.write.row.eq(row % unit_rows),
                    queue.write.chunk.eq(chunk),
                    queue.write.data.eq(registers.program_data),
                ]
        return queues

    def _window(self, registers):
        """Row, chunk and enable of a write to the program window."""
        chunks = self.config.program_row_chunks
        low = (chunks - 1).bit_length()
        address = registers.program_address
        chunk = address[:low] if low else Const(0, 1)
        return address[low:], chunk, registers.program_valid

    def _tokens(self, m, parts, launch, cleared, registers):
        """A counter per token between its producer's and consumer's ports."""
        errors = []
        launched = Signal(2)  # the upper bit: the cycle after the one in which counters are cleared
        m.d.sync += launched.eq(Cat(launch, launched))
        for place, wire in enumerate(self.config.tokens):
            token = wire.token
            m.submodules[f"token_{token.name.lower()}"] = counter = TokenCounter(wire.params)
            consumer = parts[token.consumer].waits[wire.consumer_port]
            if token.producer == CORE:
                give = parts[CORE].release
            else:
                give = parts[token.producer].signals[wire.producer_port].give
            if self.config.is_programmable:
                initial = Signal(wire.params.bits, name=f"{token.name.lower()}_initial")
                row, chunk, enable = self._window(registers)
                with m.If(enable & equals(row, place) & equals(chunk, 0)):
                    m.d.sync += initial.eq(registers.program_data)
                # Units get their first command later than this, and nothing is under way yet.
                give = Mux(launched[1], initial, give)
            m.d.comb += [
                counter.clear.eq(cleared),
                counter.signal.give.eq(give),
                consumer.available.eq(counter.wait.available),
                counter.wait.take.eq(consumer.take),
            ]
            errors.append(counter.error)
        return Cat(errors).any()

    def _memory(self, m, parts, registers):
        for name in ("load", "store"):
            connect_flat(m, self, "m_axi", parts[name].m_axi)
            high = getattr(registers, "memory_base_high", Const(0, 0))
            m.d.comb += parts[name].base.eq(Cat(registers.memory_base_low, high))

    def _scratchpad(self, m, parts, cleared):
        m.submodules.scratchpad = scratchpad = Scratchpad(self.config.scratchpad)
        for port, unit in enumerate(READ_PORTS):
            wiring.connect(m, parts[unit].read, scratchpad.read[port])
        for port, unit in enumerate(WRITE_PORTS):
            wiring.connect(m, parts[unit].write, scratchpad.write[port])
        m.d.comb += scratchpad.clear.eq(cleared)
        return scratchpad.error

    def _status(self, m, registers, parts, clears, running, finished, program_error):
        clear, cleared = clears
        done = Signal()
        error = Signal()
        read_error, write_error = parts["load"].error & ~cleared, parts["store"].error & ~cleared
        program_error = program_error & ~cleared
        m.d.comb += [
            error.eq(read_error | write_error | program_error),
            registers.status_busy.eq(running),
            registers.status_done.eq(done),
            registers.status_error.eq(error),
            registers.errors_read_response.eq(read_error),
            registers.errors_write_response.eq(write_error),
            registers.errors_program.eq(program_error),
            registers.irq_status_done_set.eq(finished),
            registers.irq_status_error_set.eq(finished & error),
            parts["load"].clear.eq(cleared),
            parts["store"].clear.eq(cleared),
        ]
        with m.If(clear):
            m.d.sync += done.eq(0)
        with m.Elif(finished):
            m.d.sync += done.eq(1)

    def _count(self, m, registers, parts, launch, clears, running):
        """Cycles up to the last write response, and where each unit's cycles went."""
        clear, cleared = clears
        launched = Signal()
        now = Signal(64)
        cycles = Signal(64)
        # The W handshake of the start bit was one cycle before `launch`: that is cycle 0.
        m.d.sync += [launched.eq(launch), now.eq(Mux(launched, 3, now + 1))]
        with m.If(cleared):
            m.d.sync += cycles.eq(0)
        with m.Elif(self.m_axi_bvalid & self.m_axi_bready & running):
            m.d.sync += cycles.eq(now + 1)
        m.d.comb += [
            registers.cycles_low.eq(cycles[:32]),
            registers.cycles_high.eq(cycles[32:]),
        ]
        if self.config.has_counters:
            self._count_activity(m, registers, parts, clear, running)

    def _count_activity(self, m, registers, parts, clear, running):
        params = CounterParams(num_units=len(self.config.units))
        m.submodules.counters = counters = ActivityCounters(params)
        for place, unit in enumerate(UNITS):
            part = parts[unit]
            activity = _core_activity(part) if unit == CORE else part.activity
            m.d.comb += counters.activity[place].eq(activity)
        m.d.comb += [
            counters.enable.eq(running),
            counters.clear.eq(clear),
            counters.index.eq(registers.counter_index),
            registers.counter_low.eq(counters.value[:32]),
            registers.counter_high.eq(counters.value[32:]),
        ]


def _core_activity(core):
    idle_or_busy = Mux(core.busy, Activity.BUSY, Activity.IDLE)
    waiting = Mux(core.wait_output, Activity.WAIT_OUTPUT, idle_or_busy)
    return Mux(core.wait_input, Activity.WAIT_INPUT, waiting)
