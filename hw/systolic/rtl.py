"""The systolic template: matrix products as streams."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout
from .core_os import OutputStationaryCore
from .drain import Drain
from .params import SystolicParams
from .ports import output_layout


class Systolic(wiring.Component):
    """Matrix product M x K by K x N on a rows x cols array, requantized or raw.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    command : In(stream of params.command_format); loops and settings
    a, b : In(stream of words of a_word_bits, b_word_bits)
    p : In(stream of words of param_word_bits); parameter entries, only for int8 output
    o : Out(stream of {data: output_word_bits, last: 1}); a row of results each
    release : Out(1); pulse: the parameters of a panel are no longer needed
    busy : Out(1); a command is held or results have not left
    wait_input, wait_output : Out(1); idle for want of words, or of room for results

    Timing
    ------
    The law in ``cost``: one block of k per block_cycles, any stall on any port.

    Numbers
    -------
    Exact products, sums wrap at accumulator_bits; int8 results as ``Requantizer``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        members = {
            "command": In(stream.Signature(command_layout(params.command_format))),
            "a": In(stream.Signature(params.a_word_bits)),
            "b": In(stream.Signature(params.b_word_bits)),
            "o": Out(stream.Signature(output_layout(params))),
            "release": Out(1),
            "busy": Out(1),
            "wait_input": Out(1),
            "wait_output": Out(1),
        }
        if params.has_parameters:
            members["p"] = In(stream.Signature(params.param_word_bits))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core()
        m.submodules.drain = drain = Drain(self.params)
        wiring.connect(m, core.drain, drain.core)
        for name in ("command", "a", "b"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(core, name))
        if self.params.has_parameters:
            wiring.connect(m, wiring.flipped(self.p), drain.p)
        wiring.connect(m, drain.o, wiring.flipped(self.o))
        m.d.comb += [
            self.release.eq(drain.release),
            self.busy.eq(core.is_active | ~drain.is_empty),
            self.wait_input.eq(core.wait_input),
            self.wait_output.eq(core.wait_output),
        ]
        return m

    def _core(self) -> wiring.Component:
        """What computes; a template that shares ports and drain has another."""
        if self.params.dataflow == "output_stationary":
            return OutputStationaryCore(self.params)
        from .core_ws import WeightStationaryCore  # not needed by output-stationary designs

        return WeightStationaryCore(self.params)
