"""The systolic template on its own, with the port names that tools recognise."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .params import SystolicParams
from .rtl import Systolic


class SystolicKernel(wiring.Component):
    """``Systolic`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_NAME_{tdata, tvalid, tready} : command, a, b and, for int8 output, p
    m_axis_o_{tdata, tvalid, tready, tlast} : a row of results; last row of a tile
    p_release : Out(1); pulse: the parameters of a panel are no longer needed (int8 output)
    busy : Out(1); a command is held or results have not left

    Timing
    ------
    That of ``Systolic``.

    Numbers
    -------
    Those of ``Systolic``. The fields of a command lie as in ``params.command_format``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        widths = {
            "command": params.command_format.width,
            "a": params.a_word_bits,
            "b": params.b_word_bits,
        }
        members = {"aclk": In(1), "aresetn": In(1)}
        if params.has_parameters:
            widths["p"] = params.param_word_bits
            members["p_release"] = Out(1)
        self.inputs = tuple(widths)
        for name, bits in widths.items():
            members |= _stream_members(f"s_axis_{name}", bits, In)
        members |= _stream_members("m_axis_o", params.output_word_bits, Out)
        super().__init__({**members, "m_axis_o_tlast": Out(1), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules.systolic = systolic = Systolic(self.params)
        m.d.comb += [
            ClockSignal().eq(self.aclk),
            ResetSignal().eq(~self.aresetn),
            self.busy.eq(systolic.busy),
            Cat(self.m_axis_o_tdata, self.m_axis_o_tlast).eq(systolic.o.payload),
            self.m_axis_o_tvalid.eq(systolic.o.valid),
            systolic.o.ready.eq(self.m_axis_o_tready),
        ]
        for name in self.inputs:
            port = getattr(systolic, name)
            m.d.comb += [
                Value.cast(port.payload).eq(getattr(self, f"s_axis_{name}_tdata")),
                port.valid.eq(getattr(self, f"s_axis_{name}_tvalid")),
                getattr(self, f"s_axis_{name}_tready").eq(port.ready),
            ]
        if self.params.has_parameters:
            m.d.comb += self.p_release.eq(systolic.release)
        return m


def _stream_members(prefix: str, bits: int, flow: type) -> dict[str, wiring.Member]:
    back = In if flow is Out else Out
    return {f"{prefix}_tdata": flow(bits), f"{prefix}_tvalid": flow(1), f"{prefix}_tready": back(1)}
