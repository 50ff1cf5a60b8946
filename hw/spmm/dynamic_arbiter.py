"""Arbiter of the dynamic mode: in each cycle, each bank goes to one lane at most."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared


@dataclass(frozen=True, kw_only=True)
class ChooserParams:
    """A choice among `lanes` lanes."""

    lanes: int


@dataclass(frozen=True, kw_only=True)
class ArbiterParams:
    """`lanes` lanes ask for `banks` banks, in `rounds` rounds (1 or 2) per cycle."""

    lanes: int
    banks: int
    rounds: int = 2


class LaneChooser(wiring.Component):
    """One of the lanes that ask: the first from the turn upwards, else the first of all.

    Parameters
    ----------
    params : ChooserParams

    Members
    -------
    asks : In(lanes). is_in_turn : In(lanes); lanes from the turn upwards. wins : Out(lanes); one
        lane, or none if none asks.

    Timing
    ------
    Combinational. Numbers: none.
    """

    def __init__(self, params: ChooserParams) -> None:
        self.params = params
        lanes = params.lanes
        super().__init__({"asks": In(lanes), "is_in_turn": In(lanes), "wins": Out(lanes)})

    def elaborate(self, platform):
        m = Module()
        lanes = self.params.lanes
        upper = Signal(lanes)
        among = Signal(lanes)
        m.d.comb += [
            upper.eq(self.asks & self.is_in_turn),
            among.eq(Mux(upper.any(), upper, self.asks)),
            self.wins.eq(among & (~among + 1)[:lanes]),
        ]
        return m


class BankArbiter(wiring.Component):
    """Gives each bank to one lane at most, in one or two rounds per cycle.

    In the first round each lane asks for the bank of its oldest entry. In the second, lanes that
    lost ask for a bank that nobody has. Every bank decides for itself, all by the same turn, which
    moves on by one lane after each cycle with a winner: a lane that keeps asking for a bank has it
    after `lanes` winners at the latest.

    Parameters
    ----------
    params : ArbiterParams

    Members
    -------
    asks_first : In(banks).array(lanes); one bank, or none
    is_taken : Out(banks); banks of the first round's winners
    wins_first : Out(lanes)
    asks_second, wins_second : likewise, with two rounds; must follow from `is_taken` and
        `wins_first` in the same cycle
    restart : In(1); the turn goes back to lane 0

    Timing
    ------
    Combinational but for the turn. Numbers: none.
    """

    def __init__(self, params: ArbiterParams) -> None:
        self.params = params
        members = {"is_taken": Out(params.banks), "restart": In(1)}
        for name in ("first", "second")[: params.rounds]:
            members[f"asks_{name}"] = In(params.banks).array(params.lanes)
            members[f"wins_{name}"] = Out(params.lanes)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        lanes = self.params.lanes
        is_in_turn = Signal(lanes, init=-1)
        taken = self._round(m, "first", is_in_turn)
        m.d.comb += self.is_taken.eq(Cat(wins.any() for wins in taken))
        if self.params.rounds == 2:
            self._round(m, "second", is_in_turn)
        rest = (is_in_turn << 1)[:lanes]
        # A winner of the second round has a loser of the first beside it, and so a winner there.
        with m.If(self.restart):
            m.d.sync += is_in_turn.eq(-1)
        with m.Elif(self.is_taken.any()):
            m.d.sync += is_in_turn.eq(Mux(rest.any(), rest, -1))
        return m

    def _round(self, m, name, is_in_turn):
        """One chooser per bank; the lanes that each of them chose."""
        lanes, banks = self.params.lanes, self.params.banks
        asks, wins = getattr(self, f"asks_{name}"), []
        for bank in range(banks):
            chooser = Shared(LaneChooser(ChooserParams(lanes=lanes)))
            m.submodules[f"{name}_bank{bank}"] = chooser
            m.d.comb += [
                chooser.asks.eq(Cat(asks[lane][bank] for lane in range(lanes))),
                chooser.is_in_turn.eq(is_in_turn),
            ]
            wins.append(chooser.wins)
        for lane in range(lanes):
            won = Cat(wins[bank][lane] for bank in range(banks))
            m.d.comb += getattr(self, f"wins_{name}")[lane].eq(won.any())
        return wins
