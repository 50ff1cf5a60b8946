"""A lane of the dynamic mode: its window, and how its rows end."""

from dataclasses import dataclass

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .dynamic_window import Window, WindowParams
from .params import LaneParams, SpmmParams
from .ports import entry_layout, operand_members


@dataclass(frozen=True, kw_only=True)
class DynamicLaneParams:
    """A lane with its window; `banks` and `address_bits` are those of the store."""

    lane: LaneParams
    depth: int
    banks: int
    address_bits: int

    @property
    def operand_bits(self) -> int:
        """Width of what goes to the multiplier beside the word of B."""
        return operand_layout(self.lane).size

    @property
    def window_params(self) -> WindowParams:
        """The window's."""
        return WindowParams(
            depth=self.depth,
            banks=self.banks,
            address_bits=self.address_bits,
            operand_bits=self.operand_bits,
        )


def dynamic_lane_params(params: SpmmParams) -> DynamicLaneParams:
    """Those of every lane."""
    return DynamicLaneParams(
        lane=params.lane_params,
        depth=params.window,
        banks=params.banks,
        address_bits=params.store_params.address_bits,
    )


def operand_layout(params: LaneParams) -> data.StructLayout:
    """The limbs of an entry."""
    return data.StructLayout(operand_members(params))


def ending_layout(params: LaneParams) -> data.StructLayout:
    """What becomes of a row at its end in a lane."""
    members = {"sends": 1, "waits": 1, "row": params.row_bits, "panel": params.panel_bits}
    return data.StructLayout(members)


def stream_layout(params: DynamicLaneParams) -> data.StructLayout:
    """A word of a lane's stream: an entry of A, row by row.

    `bank`, `address`: where its row of B lies. `limbs`, `position`, `is_high`, `is_product`: as in
    ``entry_layout``. `is_row_end`: the row's last entry in this lane; then `sends`, `waits`, `row`
    and `panel` say what becomes of the sum. `last`: nothing leaves this lane after it in this
    packet; with `is_row_end` only.
    """
    place = {"bank": params.window_params.bank_bits, "address": params.address_bits}
    ending = {name: field.shape for name, field in ending_layout(params.lane)}
    return data.StructLayout(
        {**place, **operand_members(params.lane), "is_row_end": 1, **ending, "last": 1}
    )


class DynamicLane(wiring.Component):
    """A lane's window, and beside it what becomes of the rows that end in it.

    Parameters
    ----------
    params : DynamicLaneParams

    Members
    -------
    i : In(stream of stream_layout(params)); taken only with ``is_full``
    is_full : In(1); the packet's B is there
    has_spare : In(1); entries may go
    restart, asks_first, is_taken, wins_first, asks_second, wins_second, is_over, is_empty : as in
        ``Window``
    start : Out(1), entry : Out(entry_layout), panel, bank, address : Out; what went

    Timing
    ------
    That of ``Window``. Numbers: none.
    """

    def __init__(self, params: DynamicLaneParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(stream_layout(params))),
                "is_full": In(1),
                "has_spare": In(1),
                "restart": In(1),
                "asks_first": Out(params.banks),
                "is_taken": In(params.banks),
                "wins_first": In(1),
                "asks_second": Out(params.banks),
                "wins_second": In(1),
                "is_over": Out(1),
                "is_empty": Out(1),
                "start": Out(1),
                "entry": Out(entry_layout(params.lane)),
                "panel": Out(params.lane.panel_bits),
                "bank": Out(params.window_params.bank_bits),
                "address": Out(params.address_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.window = window = Window(self.params.window_params)
        # Every end of a row in the window or just gone has its place.
        m.submodules.endings = endings = StreamFIFO(
            FIFOParams(
                payload=ending_layout(self.params.lane), depth=self.params.depth + 2, block=False
            )
        )
        for name in ("restart", "is_taken", "wins_first", "wins_second"):
            m.d.comb += getattr(window, name).eq(getattr(self, name))
        for name in ("asks_first", "asks_second", "is_over", "is_empty"):
            m.d.comb += getattr(self, name).eq(getattr(window, name))
        m.d.comb += window.is_open.eq(self.is_full & self.has_spare)
        self._take(m, window, endings)
        self._give(m, window, endings)
        return m

    def _take(self, m, window, endings):
        word = self.i.payload
        operand = Signal(operand_layout(self.params.lane))
        m.d.comb += [operand[name].eq(word[name]) for name, _ in operand.shape()]
        m.d.comb += [
            window.i.valid.eq(self.i.valid & self.is_full),
            self.i.ready.eq(window.i.ready & self.is_full),
            window.i.payload.bank.eq(word.bank),
            window.i.payload.address.eq(word.address),
            window.i.payload.operand.eq(operand),
            window.i.payload.is_row_end.eq(word.is_row_end),
            window.i.payload.is_packet_end.eq(word.last),
            endings.i.valid.eq(window.i.valid & window.i.ready & word.is_row_end),
        ]
        for name, _ in endings.i.payload.shape():
            m.d.comb += endings.i.payload[name].eq(word[name])

    def _give(self, m, window, endings):
        operand = data.View(operand_layout(self.params.lane), window.o.operand)
        ending = endings.o.payload
        m.d.comb += [self.entry[name].eq(operand[name]) for name, _ in operand.shape()]
        m.d.comb += [
            self.start.eq(window.o_valid),
            self.bank.eq(window.o.bank),
            self.address.eq(window.o.address),
            self.entry.accumulator.eq(window.o.row),
            self.entry.first.eq(window.o.is_first),
            self.entry.closes.eq(window.o.is_last),
            self.entry.last.eq(window.o.is_packet_end),
            self.entry.sends.eq(ending.sends),
            self.entry.waits.eq(ending.waits),
            self.entry.row.eq(ending.row),
            self.panel.eq(ending.panel),
            endings.o.ready.eq(window.o_valid & window.o.is_last),
        ]
