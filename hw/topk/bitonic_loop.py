"""Partial lists that go round: sorted words are merged into them, then they with each other."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from .bitonic_params import BitonicParams, ExchangeParams
from .exchange import Exchange, Network


class MergeLoop(wiring.Component):
    """The best `list_pairs` pairs of each packet of sorted words, as one sorted list.

    A list arrives at the end of the pipeline in each cycle, or an empty slot. A list of the packet
    that is read is merged with the next sorted word. Of a packet that has ended, the first list to
    arrive is held, and merged with the next; the last one left is the result. Slots that this frees
    take words of the next packet.

    Parameters
    ----------
    params : BitonicParams

    Members
    -------
    i : In(stream of {pairs: run_pairs pairs sorted, last: 1}); `last` waits until the packet before
        has left
    o : Out(stream of list_pairs pairs); `valid` is offered once per round

    Timing
    ------
    One word per cycle, `num_slots` cycles around. A list that is not taken goes round once more:
    ``o.valid`` is withdrawn meanwhile, so ``o`` is for a neighbour that knows it.

    Numbers
    -------
    A pair is a number whose top bit says that it is one; larger ranks first.
    """

    def __init__(self, params: BitonicParams) -> None:
        self.params = params
        run = data.StructLayout(
            {"pairs": data.ArrayLayout(params.pair_bits, params.run_pairs), "last": 1}
        )
        result = data.ArrayLayout(params.pair_bits, params.list_pairs)
        super().__init__({"i": In(stream.Signature(run)), "o": Out(stream.Signature(result))})

    def elaborate(self, platform):
        m = Module()
        params = self.params
        num_slots = params.num_slots
        lists = data.ArrayLayout(params.pair_bits, params.list_pairs)
        arrived, held = Signal(lists), Signal(lists, reset_less=True)
        # Per slot: is there a list, and of which of two packets.
        is_used, parity = Signal(), Signal()
        filling, is_held = Signal(), Signal()
        num_lists, num_old = (
            Signal(range(num_slots + 1), name=name) for name in ("num_lists", "num_old")
        )
        is_old, is_final, is_kept, has_room = (
            Signal(name=name) for name in ("is_old", "is_final", "is_kept", "has_room")
        )
        holds, joins, takes, leaves = (
            Signal(name=name) for name in ("holds", "joins", "takes", "leaves")
        )
        m.d.comb += [
            is_old.eq(is_used & (parity != filling)),
            is_final.eq(is_old & (num_old == 1)),
            self.o.valid.eq(is_final),
            self.o.payload.eq(arrived),
            leaves.eq(is_final & self.o.ready),
            holds.eq(is_old & ~is_final & ~is_held),
            joins.eq(is_old & ~is_final & is_held),
            is_kept.eq(is_used & ~leaves & ~holds),
            has_room.eq(~is_old | leaves | holds),
            self.i.ready.eq(has_room & (~self.i.payload.last | ~num_old.any() | leaves)),
            takes.eq(self.i.valid & self.i.ready),
        ]
        is_new = takes & ~is_kept
        with m.If(holds):
            m.d.sync += [is_held.eq(1), held.eq(arrived)]
        with m.If(joins):
            m.d.sync += is_held.eq(0)
        with m.If(takes & self.i.payload.last):
            m.d.sync += [filling.eq(~filling), num_old.eq(num_lists + is_new), num_lists.eq(0)]
        with m.Else():
            m.d.sync += [num_old.eq(num_old - (joins | leaves)), num_lists.eq(num_lists + is_new)]
        self._merge(m, arrived, (is_kept, held, joins, takes))
        used, of = is_kept | takes, Mux(is_new, filling, parity)
        for number in range(num_slots):
            slot_used = Signal(name=f"slot_used_{number}")
            slot_parity = Signal(name=f"slot_parity_{number}", reset_less=True)
            m.d.sync += [slot_used.eq(used), slot_parity.eq(of)]
            used, of = slot_used, slot_parity
        m.d.comb += [is_used.eq(used), parity.eq(of)]
        return m

    def _merge(self, m, arrived, operands):
        """The best of the list that arrived and of a sorted word, or of the list that was held."""
        is_kept, held, joins, takes = operands
        params = self.params
        m.submodules.merger = merger = Network(params.merger)
        for rank, wire in enumerate(params.merged_order):
            m.d.comb += arrived[rank].eq(merger.o[wire])
        for rank in range(params.list_pairs):
            mirrored = arrived[params.list_pairs - 1 - rank]
            best = Shared(Exchange(ExchangeParams(bits=params.pair_bits)))
            m.submodules[f"best_{rank}"] = best
            # Without its top bit a pair is none, and ranks behind all that are.
            other, is_other = held[rank], joins
            if rank < params.run_pairs:
                other = Mux(joins, held[rank], self.i.payload.pairs[rank])
                is_other = joins | takes
            register = Signal(params.pair_bits, name=f"best_of_{rank}", reset_less=True)
            m.d.comb += [
                best.a.eq(Cat(mirrored[:-1], mirrored[-1] & is_kept)),
                best.b.eq(Cat(other[:-1], other[-1] & is_other)),
                merger.i[rank].eq(register),
            ]
            m.d.sync += register.eq(best.high)
