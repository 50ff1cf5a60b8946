"""Front end of the dynamic mode: banks are shared out as the entries come."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.banked_store import BankMux
from ..lib.layout import equals
from ..lib.shared import Shared
from .dynamic_arbiter import ArbiterParams, BankArbiter
from .dynamic_lane import DynamicLane, dynamic_lane_params, stream_layout
from .params import SpmmParams
from .ports import front_members

ROUNDS = 2
"""Rounds of the arbiter per cycle; one where the window has one entry."""


def arbiter_rounds(window: int) -> int:
    """Rounds that a window of this depth can use."""
    return min(ROUNDS, window)


@dataclass(frozen=True, kw_only=True)
class AddressMuxParams:
    """The address of one of `lanes` lanes."""

    lanes: int
    address_bits: int


class AddressMux(wiring.Component):
    """The address of the one lane that reads a bank.

    Parameters
    ----------
    params : AddressMuxParams

    Members
    -------
    reads : In(lanes); at most one
    addresses : In(address_bits).array(lanes). address : Out(address_bits); 0 if nobody reads

    Timing
    ------
    Combinational. Numbers: none.
    """

    def __init__(self, params: AddressMuxParams) -> None:
        self.params = params
        super().__init__(
            {
                "reads": In(params.lanes),
                "addresses": In(params.address_bits).array(params.lanes),
                "address": Out(params.address_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        gathered = 0
        for lane in range(self.params.lanes):
            gathered |= Mux(self.reads[lane], self.addresses[lane], 0)
        m.d.comb += self.address.eq(gathered)
        return m


class DynamicFront(wiring.Component):
    """Streams of entries in, one per lane; in each cycle any lanes start, no two with one bank.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    a : In(stream of stream_layout).array(lanes)
    the others : ``ports.front_members``

    Timing
    ------
    An entry starts two cycles after its transfer at the earliest. A lane that is through with a
    packet waits for the others; the next packet's first entries start two cycles after the
    last of this one at the earliest.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SpmmParams) -> None:
        self.params = params
        word = stream.Signature(stream_layout(dynamic_lane_params(params)))
        super().__init__({"a": In(word).array(params.lanes), **front_members(params)})

    def elaborate(self, platform):
        m = Module()
        p = self.params
        rounds = arbiter_rounds(p.window)
        m.submodules.arbiter = arbiter = BankArbiter(
            ArbiterParams(lanes=p.lanes, banks=p.banks, rounds=rounds)
        )
        lanes = [Shared(DynamicLane(dynamic_lane_params(p))) for _ in range(p.lanes)]
        for number, lane in enumerate(lanes):
            m.submodules[f"lane_{number}"] = lane
            wiring.connect(m, wiring.flipped(self.a[number]), lane.i)
            m.d.comb += [
                lane.is_full.eq(self.is_full),
                lane.has_spare.eq(self.have_spare[number]),
                lane.restart.eq(self.free),
                lane.is_taken.eq(arbiter.is_taken),
                arbiter.asks_first[number].eq(lane.asks_first),
                lane.wins_first.eq(arbiter.wins_first[number]),
                self.starts[number].eq(lane.start),
                self.entries[number].eq(lane.entry),
                self.panels[number].eq(lane.panel),
            ]
            if rounds == ROUNDS:
                m.d.comb += arbiter.asks_second[number].eq(lane.asks_second)
                m.d.comb += lane.wins_second.eq(arbiter.wins_second[number])
        m.d.comb += [
            arbiter.restart.eq(Cat(lane.is_empty for lane in lanes).all()),
            self.free.eq(Cat(lane.is_over for lane in lanes).all()),
            self.read.eq(Cat(lane.start for lane in lanes).any()),
        ]
        self._address(m, lanes)
        self._fetch(m, lanes)
        return m

    def _address(self, m, lanes):
        """Each bank reads for the lane that starts with it."""
        p = self.params
        mux = AddressMuxParams(lanes=p.lanes, address_bits=p.store_params.address_bits)
        for bank in range(p.banks):
            m.submodules[f"address_{bank}"] = chosen = Shared(AddressMux(mux))
            m.d.comb += self.addresses[bank].eq(chosen.address)
            for number, lane in enumerate(lanes):
                is_read = lane.start & equals(lane.bank, bank)
                m.d.comb += chosen.reads[number].eq(is_read)
                m.d.comb += chosen.addresses[number].eq(lane.address)

    def _fetch(self, m, lanes):
        """The word of the bank that a lane's entry asked for."""
        mux_params = self.params.store_params.mux_params
        for number, lane in enumerate(lanes):
            select = Signal(mux_params.select_bits, name=f"select_{number}", reset_less=True)
            m.d.sync += select.eq(lane.bank)
            m.submodules[f"mux_{number}"] = mux = Shared(BankMux(mux_params))
            m.d.comb += [
                mux.words.eq(self.bank_words),
                mux.select.eq(select),
                self.lane_words[number].eq(mux.word),
            ]
