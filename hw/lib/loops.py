"""Loop nests: commands become sequences of addresses."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .layout import at_level, command_layout, equals
from .params import AddressSpace, LoopParams
from .stream import SkidBuffer, StreamBuffer
from .stream_params import StreamParams

__all__ = ["LoopNest", "buffered"]


class LoopNest(wiring.Component):
    """Walks the loops of one command after the other, level 0 innermost.

    Parameters
    ----------
    params : LoopParams. The format needs `last_d`, and per space (named X) `X_base`, `X_jump_d`
        (`base`, `jump_d` for the space named ""); other fields pass through.

    Members
    -------
    command : In(stream), the next command.
    valid : Out(1), the outputs below describe an element.
    advance : In(1), go to the next element; looked at only when `valid`.
    current : Out(layout), the command being walked.
    at_start, at_end : Out(num_loops + 1), bit l: all counters below level l are zero / at their
        last. Bit 0 is always set, bit num_loops marks the command's first / last element.
    address, X_address : Out(bits), the element's address in each space.

    Timing
    ------
    Command transferred in t: first element valid in t + `cost.LOOP_COMMAND_TO_ELEMENT`. An element
    per cycle while `advance`; the next command is accepted in the cycle that advances over the last
    element, so that there is no bubble between commands. `command.ready` depends on `advance`
    combinationally: feed it from registers (`CommandQueue` and `StreamFIFO` do).

    Numbers
    -------
    Addresses wrap modulo 2**bits; jumps are signed.
    """

    def __init__(self, params: LoopParams):
        self.params = params
        layout = command_layout(params.command_format)
        initial = params.command_format.decode(params.initial_command)
        levels = params.num_loops + 1
        super().__init__(
            {
                "command": In(stream.Signature(layout)),
                "valid": Out(1),
                "advance": In(1),
                "current": Out(layout, init=initial),
                "at_start": Out(levels),
                "at_end": Out(levels),
                **{space.member: Out(space.bits) for space in params.spaces},
            }
        )

    def tokens_at(self, flags: Value, port: str) -> Value:
        """Tokens that `port` (a wait's or a signal's fields) moves at this element: those of its
        level's boundary, told by `flags` (`at_start` or `at_end`), else 0.
        """
        level, count = self.current[f"{port}_level"], self.current[f"{port}_count"]
        return Mux(at_level(flags, level), count, 0)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        loops = range(self.params.num_loops)
        is_first = Signal(len(loops))
        is_last = Signal(len(loops))
        is_final = Signal()  # all are: a register, found a step ahead
        m.d.comb += [
            self.at_start.eq(Cat(Const(1, 1), (is_first[: d + 1].all() for d in loops))),
            self.at_end.eq(
                Cat(Const(1, 1), (is_last[: d + 1].all() for d in loops[:-1]), is_final)
            ),
            self.command.ready.eq(~self.valid | (self.advance & is_final)),
        ]
        load = Signal()
        m.d.comb += load.eq(self.command.valid & self.command.ready)
        step = Signal()
        m.d.comb += step.eq(self.valid & self.advance)
        with m.If(load):
            m.d.sync += [self.valid.eq(1), self.current.eq(self.command.payload)]
        with m.Elif(step & is_final):
            m.d.sync += self.valid.eq(0)
        following = [self._count(m, d, load, step, is_first, is_last) for d in loops]
        with m.If(load):
            lasts = [self.command.payload[f"last_{d}"] for d in loops]
            m.d.sync += is_final.eq(equals(Cat(lasts), 0))
        with m.Elif(step):
            m.d.sync += is_final.eq(Cat(following).all())
        for space in self.params.spaces:
            self._address(m, space, load, step, is_last)
        return m

    def _count(
        self, m: Module, d: int, load: Signal, step: Signal, is_first: Signal, is_last: Signal
    ) -> Value:
        """Counter of loop d, counting down, with its flags in registers; whether it is at its last
        in the next step of the command.
        """
        remaining = Signal(self.params.bound_bits, name=f"remaining_{d}")
        initial = self.params.command_format.decode(self.params.initial_command)
        is_single = Signal(init=initial[f"last_{d}"] == 0, name=f"is_single_{d}")  # bound 1
        restart = self.current[f"last_{d}"]
        first = self.command.payload[f"last_{d}"]
        following = Mux(is_last[d], is_single, remaining == 1)
        with m.If(load):
            m.d.sync += [remaining.eq(first), is_single.eq(equals(first, 0))]
            m.d.sync += [is_first[d].eq(1), is_last[d].eq(equals(first, 0))]
        with m.Elif(step & self.at_end[d]):
            m.d.sync += remaining.eq(Mux(is_last[d], restart, remaining - 1))
            m.d.sync += is_first[d].eq(is_last[d])
            m.d.sync += is_last[d].eq(following)
        return Mux(self.at_end[d], following, is_last[d])

    def _address(
        self, m: Module, space: AddressSpace, load: Signal, step: Signal, is_last: Signal
    ) -> None:
        """Accumulator: adds the jump of the lowest loop that is not at its last."""
        prefix = f"{space.name}_" if space.name else ""
        address = getattr(self, space.member)
        jump = Signal(space.bits, name=f"{prefix}jump")
        with m.Switch(is_last):
            for d in range(self.params.num_loops - 1):
                pattern = "-" * (self.params.num_loops - d - 1) + "0" + "1" * d
                with m.Case(pattern):
                    m.d.comb += jump.eq(self.current[f"{prefix}jump_{d}"])
            with m.Default():  # the outermost loop; after the last element nobody looks
                m.d.comb += jump.eq(self.current[f"{prefix}jump_{self.params.num_loops - 1}"])
        with m.If(load):
            m.d.sync += address.eq(self.command.payload[f"{prefix}base"])
        with m.Elif(step):
            m.d.sync += address.eq(address + jump)


def buffered(
    m: Module, nest: LoopNest, element: dict[str, Value]
) -> tuple[stream.Interface, Value, data.View]:
    """The nest's elements behind a buffer with registers in both directions; whether it, or the
    nest, holds any; what is at hand in the next cycle if nothing is in this.

    `element` names what is kept of each. Latency `cost.STREAM_BUFFER`, one element per cycle. The
    counters and the command queue then wait for a register, not for what an element waits for.
    """
    layout = data.StructLayout({name: value.shape() for name, value in element.items()})
    params = StreamParams(payload=layout)
    m.submodules.skid = skid = SkidBuffer(params)
    m.submodules.elements = elements = StreamBuffer(params)
    wiring.connect(m, skid.o, elements.i)
    m.d.comb += [skid.i.valid.eq(nest.valid), nest.advance.eq(skid.i.ready)]
    m.d.comb += [skid.i.payload[name].eq(value) for name, value in element.items()]
    return elements.o, skid.o.valid | elements.o.valid, skid.o.payload
