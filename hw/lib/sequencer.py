"""Command queues: each unit's program, handed out in order."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .layout import command_layout
from .memory_params import QueueParams

__all__ = ["CommandQueue", "ProgramPort"]


class ProgramPort(wiring.Signature):
    """Writes 32 bits of a program: chunk `chunk` (lowest first) of row `row`, when `enable`."""

    def __init__(self, params: QueueParams):
        super().__init__(
            {
                "enable": Out(1),
                "row": Out(range(max(2, params.depth))),
                "chunk": Out(range(max(2, params.chunks))),
                "data": Out(32),
            }
        )


class CommandQueue(wiring.Component):
    """A synchronous memory with one command per row and a program counter.

    Parameters
    ----------
    params : QueueParams. ROM: the length is that of `initial`; bits that are equal in all commands
        are constants, not memory, so that what they steer folds away.

    Members
    -------
    start : In(1), begin with row 0 (also in the middle of a program: a command that
        waits is then withdrawn).
    o : Out(stream), the commands. done : Out(1), no command left to hand out.
    RAM only: length : In, commands to hand out, constant from `start` to `done`;
    write : In(ProgramPort), only while `done`.

    Timing
    ------
    `start` in t: first command valid in t + `cost.QUEUE_START_TO_COMMAND`, then one per cycle (the
    memory's output register is the prefetch). Transfer of the last command in t: `done` in t + 1.
    `o.ready` reaches the memory's enable combinationally, never `o.valid`.
    """

    def __init__(self, params: QueueParams):
        self.params = params
        members = {
            "start": In(1),
            "o": Out(stream.Signature(command_layout(params.command_format))),
            "done": Out(1, init=1),
        }
        if not params.is_rom:
            members["length"] = In(params.length_bits)
            members["write"] = In(ProgramPort(params))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pc = Signal(self.params.length_bits)
        fetch = Signal()
        advance = Signal()
        length = len(self.params.initial) if self.params.is_rom else self.length
        m.d.comb += [
            advance.eq(~self.done & (~self.o.valid | self.o.ready)),
            fetch.eq(advance & (pc != length)),
        ]
        with m.If(self.start):
            m.d.sync += [pc.eq(0), self.o.valid.eq(0), self.done.eq(0)]
        with m.Elif(advance):
            m.d.sync += [pc.eq(pc + 1), self.o.valid.eq(fetch), self.done.eq(~fetch)]
        words = self._rom(m, fetch, pc) if self.params.is_rom else self._ram(m, fetch, pc)
        m.d.comb += self.o.payload.eq(words)
        return m

    def _rom(self, m: Module, fetch: Signal, row: Signal) -> Value:
        """Memory of the bits that differ between commands; the others are constants."""
        words = self.params.initial or (0,)
        width = self.params.command_format.width
        varying = [b for b in range(width) if len({word >> b & 1 for word in words}) > 1]
        read_bits = iter(())
        if varying:
            packed = [sum((word >> b & 1) << i for i, b in enumerate(varying)) for word in words]
            m.submodules.commands = rows = memory.Memory(
                shape=len(varying), depth=len(packed), init=packed
            )
            read = rows.read_port()
            m.d.comb += [read.addr.eq(row), read.en.eq(fetch)]
            read_bits = iter(read.data)
        return Cat(
            next(read_bits) if b in set(varying) else Const(words[0] >> b & 1, 1)
            for b in range(width)
        )

    def _ram(self, m: Module, fetch: Signal, row: Signal) -> Value:
        width = 32 * self.params.chunks
        depth = max(2, self.params.depth)
        m.submodules.commands = rows = memory.Memory(
            shape=width,
            depth=depth,
            init=self.params.initial,
            attrs={"no_rw_check": 1},  # written only while no command is fetched
        )
        read = rows.read_port()
        write = rows.write_port(granularity=32)
        m.d.comb += [
            read.addr.eq(row),
            read.en.eq(fetch),
            write.addr.eq(self.write.row),
            write.data.eq(self.write.data.replicate(self.params.chunks)),
            write.en.eq(self.write.enable << self.write.chunk),
        ]
        return read.data[: self.params.command_format.width]
