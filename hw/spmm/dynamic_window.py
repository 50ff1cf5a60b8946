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
        goes = Signal(p.depth + 1)
        m.d.comb += [self.i.ready.eq(~is_kept[-1]), self.is_empty.eq(~is_kept.any())]
        self._ask(m, slots, is_kept, goes)
        self._move(m, slots, is_kept, row, goes)
        self._issue(m, slots, row, goes)
        return m

    def _ask(self, m, slots, is_kept, goes):
        """`goes`: at most one entry, by the answers to what is asked here."""
        p = self.params
        candidates = Signal(p.depth)
        rows_before = [Const(0, 2)]  # ends of rows before an entry: 0, 1, 2 or more
        is_next_packet = Const(0)
        for j, slot in enumerate(slots[: p.depth]):
            ends_alone = Const(0) if j == 0 else slot.is_row_end & slots[j - 1].is_row_end
            is_free = ~Array(self.is_taken)[slot.bank]
            is_near = ~rows_before[j][1] & ~is_next_packet & ~ends_alone
            m.d.comb += candidates[j].eq(is_kept[j] & is_near & is_free)
            seen, end = rows_before[j], slot.is_row_end
            rows_before.append(Cat(seen[0] ^ end, seen[1] | (seen[0] & end)))
            is_next_packet = is_next_packet | slot.is_packet_end
        is_open, chosen = Signal(), Signal(p.depth)
        m.d.comb += is_open.eq(self.is_open & ~self.is_over)
        m.d.comb += chosen.eq(candidates & (~candidates + 1)[: p.depth])
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

    def _move(self, m, slots, is_kept, row, goes):
        """Entries close up behind the one that goes; a new one comes behind them."""
        newest_row = Signal()
        is_put = self.i.valid & self.i.ready
        with m.If(is_put & self.i.payload.is_row_end):
            m.d.sync += newest_row.eq(~newest_row)
        is_gap = Const(0)
        was_kept = Const(1)
        for j in range(len(slots)):
            is_gap = is_gap | goes[j]
            behind = j + 1 < len(slots)
            stays = Mux(is_gap, is_kept[j + 1] if behind else 0, is_kept[j])
            m.d.sync += is_kept[j].eq(stays | (was_kept & is_put))
            with m.If(~stays):
                m.d.sync += [slots[j].eq(self.i.payload), row[j].eq(newest_row)]
            if behind:
                with m.Elif(is_gap):
                    m.d.sync += [slots[j].eq(slots[j + 1]), row[j].eq(row[j + 1])]
                with m.If(goes[j + 1] & slots[j + 1].is_row_end):
                    m.d.sync += [
                        slots[j].is_row_end.eq(1),
                        slots[j].is_packet_end.eq(slots[j + 1].is_packet_end),
                    ]
            was_kept = stays

    def _issue(self, m, slots, row, goes):
        """The entry that goes, with its flags."""
        is_fresh = Signal(OPEN_ROWS, init=-1)
        picked = Signal(entry_layout(self.params))
        picked_row = Signal()
        for j, slot in enumerate(slots[: self.params.depth]):
            with m.If(goes[j]):
                m.d.comb += [picked.eq(slot), picked_row.eq(row[j])]
        is_last = goes[0] & picked.is_row_end
        m.d.sync += [
            self.o_valid.eq(goes.any()),
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
        with m.If(goes.any()):
            for n in range(OPEN_ROWS):
                with m.If(equals(picked_row, n)):
                    m.d.sync += is_fresh[n].eq(is_last)
