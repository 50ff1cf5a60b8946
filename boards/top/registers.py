"""The link's way to registers on AXI4-Lite."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.boards.link.messages import REGISTER_BYTES
from tilewright.hw.lib.axi import AxiLiteSignature

from .port import LinkPort

__all__ = ["RegisterPort"]


class RegisterPort(wiring.Component):
    """Single AXI4-Lite accesses for the link.

    Parameters
    ----------
    lite_address_bits : of the bus.

    Members
    -------
    link : In(LinkPort). bus : Out(AxiLiteSignature).

    Timing
    ------
    AWVALID and WVALID, or ARVALID, one cycle after the request; acknowledged with the response.
    Every output of the bus but BREADY and RREADY, which are always high, comes from a register.
    """

    def __init__(self, lite_address_bits: int) -> None:
        super().__init__(
            {
                "link": In(LinkPort(8 * REGISTER_BYTES)),
                "bus": Out(AxiLiteSignature(lite_address_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        link, bus = self.link, self.bus
        is_begun = Signal()
        m.d.comb += [
            bus.awaddr.eq(link.address),
            bus.araddr.eq(link.address),
            bus.wdata.eq(link.write_data),
            bus.wstrb.eq(~0),
            bus.bready.eq(1),
            bus.rready.eq(1),
            link.read_data.eq(bus.rdata),
            link.acknowledge.eq(is_begun & (bus.bvalid | bus.rvalid)),
            link.error.eq((bus.bvalid & bus.bresp[1]) | (bus.rvalid & bus.rresp[1])),
        ]
        with m.If(link.request & ~is_begun):
            m.d.sync += [
                is_begun.eq(1),
                bus.awvalid.eq(link.is_write),
                bus.wvalid.eq(link.is_write),
                bus.arvalid.eq(~link.is_write),
            ]
        with m.Elif(link.acknowledge):
            m.d.sync += is_begun.eq(0)
        for name in ("aw", "w", "ar"):
            valid, ready = getattr(bus, f"{name}valid"), getattr(bus, f"{name}ready")
            with m.If(valid & ready):
                m.d.sync += valid.eq(0)
        return m
