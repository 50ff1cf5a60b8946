"""Look-ahead window of a lane in the dynamic mode."""

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import equals

OPEN_ROWS = 2


@dataclass(frozen=True, kw_only=True)
class WindowParams:
    """A window of `depth` entries, each a word of one of `banks` banks and what to do with it."""

    depth: int
    banks: int
    address_bits: int
    operand_bits: int

    @property
    def bank_bits(self) -> int:
        """Bits of a bank's number."""
        return max(1, (self.banks - 1).bit_length())


def entry_layout(params: WindowParams) -> data.StructLayout:
    """An entry as it comes in, row by row; `is_row_end` with a row's last one."""
    return data.StructLayout(
        {
            "bank": params.bank_bits,
            "address": params.address_bits,
            "operand": params.operand_bits,
            "is_row_end": 1,
            "is_packet_end": 1,
        }
    )


def issue_layout(params: WindowParams) -> data.StructLayout:
    """An entry as it leaves, with its place among the lane's two open rows."""
    return data.StructLayout(
        {
            "bank": params.bank_bits,
            "address": params.address_bits,
            "operand": params.operand_bits,
            "row": 1,
            "is_first": 1,
            "is_last": 1,
            "is_packet_end": 1,
        }
    )


class Window(wiring.Component):
    """Keeps a lane's next entries in order and lets one go whose bank is free.

    An entry may go if it belongs to the oldest row or the next one, and to the packet of the oldest
    entry; after a packet's last entry none goes until ``restart``. A row's end stays with what is
    left of the row: it moves to the entry before when its own goes. The last of a row goes only as
    the oldest of all, so rows end in order.

    Parameters
    ----------
    params : WindowParams

    Members
    -------
    i : In(stream of entry_layout)
    is_open : In(1); entries may go
    restart : In(1); the packet that has ended is over: entries of the next may go
    asks_first : Out(banks); the bank of the oldest entry
    is_taken, wins_first : In(banks), In(1); answer to it: banks gone, and whether to this lane
    asks_second : Out(banks); if it lost, the bank of the oldest entry whose bank is not gone
    wins_second : In(1)
    o_valid : Out(1), o : Out(issue_layout); what went, one cycle later
    is_over : Out(1); a packet's last entry has gone; set with it on `o`
    is_empty : Out(1)

    Timing
    ------
    An entry may go in the cycle after its transfer. One more than `depth` is kept, so that
    `i.ready`, from registers, takes one per cycle.

    Numbers
    -------
    None.
    """

    def __init__(self, params: WindowParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(entry_layout(params))),
                "is_open": In(1),
                "restart": In(1),
                "asks_first": Out(params.banks),
                "is_taken": In(params.banks),
                "wins_first": In(1),
                "asks_second": Out(params.banks),
                "wins_second": In(1),
                "o_valid": Out(1),
                "o": Out(issue_layout(params)),
                "is_over": Out(1),
                "is_empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        slots = [Signal(entry_layout(p), name=f"entry{j}") for j in range(p.depth + 1)]
        is_kept = Signal(p.depth + 1)
        row = Signal(p.depth + 1)
        goes = Signal(p.depth)
        m.d.comb += [self.i.ready.eq(~is_kept[-1]), self.is_empty.eq(~is_kept.any())]
        self._ask(m, slots, is_kept, goes)
        self._move(m, slots, is_kept, row, goes)
        self._issue(m, slots, row, goes)
        return m

    def _ask(self, m, slots, is_kept, goes):
        """`goes`: at most one entry, by the answers to what is asked here."""
        p = self.params
        is_open = Signal()
        candidates = Signal(p.depth)
        chosen = Signal(p.depth)
        m.d.comb += [
            is_open.eq(self.is_open & ~self.is_over),
            candidates.eq(is_kept & self._are_near(m, slots) & self._have_free_banks(slots)),
            chosen.eq(candidates & (~candidates + 1)[: p.depth]),
        ]
        bank = Signal(p.bank_bits)
        for j in range(p.depth):
            with m.If(chosen[j]):
                m.d.comb += bank.eq(slots[j].bank)
        is_asking = Signal()
        m.d.comb += is_asking.eq(is_open & ~self.wins_first & chosen.any())
        for b in range(p.banks):
            m.d.comb += [
                self.asks_first[b].eq(is_open & is_kept[0] & equals(slots[0].bank, b)),
                self.asks_second[b].eq(is_asking & equals(bank, b)),
            ]
        m.d.comb += goes.eq(Mux(self.wins_first, 1, Mux(self.wins_second, chosen, 0)))

    def _have_free_banks(self, slots):
        """By entry: nobody has its bank."""
        taken = Array(self.is_taken)
        return Cat(~taken[slot.bank] for slot in slots[: self.params.depth])

    def _are_near(self, m, slots):
        """By entry: it is of the oldest row or the next one, and not what would end the latter."""
        are_near = Signal(self.params.depth)
        m.d.comb += are_near[0].eq(1)
        one, more = Const(0), Const(0)  # rows that end before an entry: at least one, two or more
        for j in range(1, self.params.depth):
            previous = slots[j - 1]
            next_one, next_more = Signal(name=f"has_end_before_{j}"), Signal(name=f"is_far_{j}")
            m.d.comb += [
                next_one.eq(one | previous.is_row_end),
                next_more.eq(more | (one & previous.is_row_end) | previous.is_packet_end),
                are_near[j].eq(~next_more & ~(previous.is_row_end & slots[j].is_row_end)),
            ]
            one, more = next_one, next_more
        return are_near

    def _move(self, m, slots, is_kept, row, goes):
        """Entries close up behind the one that goes; a new one comes behind them."""
        newest_row = Signal()
        is_put = Signal()
        m.d.comb += is_put.eq(self.i.valid & self.i.ready)
        with m.If(is_put & self.i.payload.is_row_end):
            m.d.sync += newest_row.eq(~newest_row)
        # From where on entries move, and places that are filled without the new one.
        moves = Signal(len(slots))
        stays = Signal(len(slots))
        for j, slot in enumerate(slots):
            has_next = j + 1 < len(slots)
            m.d.comb += [
                moves[j].eq(goes[: j + 1].any()),
                stays[j].eq(Mux(moves[j], is_kept[j + 1] if has_next else 0, is_kept[j])),
            ]
            m.d.sync += is_kept[j].eq(stays[j] | (is_put & (stays[j - 1] if j else 1)))
            with m.If(~stays[j]):
                m.d.sync += [slot.eq(self.i.payload), row[j].eq(newest_row)]
            if has_next:
                behind = slots[j + 1]
                with m.Elif(moves[j]):
                    m.d.sync += [slot.eq(behind), row[j].eq(row[j + 1])]
            if j + 1 < self.params.depth:
                with m.Elif(goes[j + 1] & behind.is_row_end):
                    m.d.sync += slot.is_row_end.eq(1)
                    m.d.sync += slot.is_packet_end.eq(behind.is_packet_end)

    def _issue(self, m, slots, row, goes):
        """The entry that goes, with its flags."""
        is_fresh = Signal(OPEN_ROWS, init=-1)
        picked = Signal(entry_layout(self.params))
        picked_row = Signal()
        for j, slot in enumerate(slots[: self.params.depth]):
            with m.If(goes[j]):
                m.d.comb += [picked.eq(slot), picked_row.eq(row[j])]
        is_gone = Signal()
        is_last = Signal()
        m.d.comb += [is_gone.eq(goes.any()), is_last.eq(goes[0] & picked.is_row_end)]
        m.d.sync += [
            self.o_valid.eq(is_gone),
            *(self.o[n].eq(picked[n]) for n in ("bank", "address", "operand")),
            self.o.row.eq(picked_row),
            self.o.is_first.eq(Mux(picked_row, is_fresh[1], is_fresh[0])),
            self.o.is_last.eq(is_last),
            self.o.is_packet_end.eq(is_last & picked.is_packet_end),
        ]
        with m.If(self.restart):
            m.d.sync += self.is_over.eq(0)
        with m.Elif(is_last & picked.is_packet_end):
            m.d.sync += self.is_over.eq(1)
        with m.If(is_gone):
            for n in range(OPEN_ROWS):
                with m.If(equals(picked_row, n)):
                    m.d.sync += is_fresh[n].eq(is_last)
