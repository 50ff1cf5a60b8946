"""Activations: groups are written into a bank per row and read row by row."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..systolic.ports import index_shape
from .params import NMSparseParams


class GroupFeed(wiring.Component):
    """Gives activation words to the banks of the rows and counts their groups.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    i : In(stream of activation words)
    is_ready : Out(1); a group is complete that nobody has taken
    take : In(1); takes a group, only with is_ready
    is_released : In(1); the last row has read a group
    word : Out(a_word_bits); to be written now
    write_parts : Out(group_words); which part of the group it is; 0: none
    write_slot : Out; place of the group in the banks
    load : Out(1); row 0 reads the group in ``load_slot``, the cycle after ``take``
    load_slot : Out

    Timing
    ------
    One word per cycle while there is room. A group counts in the cycle after its last word, a
    release's room in the cycle after it.

    Numbers
    -------
    None.
    """

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        slot = index_shape(params.edge_groups)
        super().__init__(
            {
                "i": In(stream.Signature(params.a_word_bits)),
                "is_ready": Out(1),
                "take": In(1),
                "is_released": In(1),
                "word": Out(params.a_word_bits),
                "write_parts": Out(params.group_words),
                "write_slot": Out(slot),
                "load": Out(1),
                "load_slot": Out(slot),
            }
        )

    def elaborate(self, platform):
        m = Module()
        num_groups, num_parts = self.params.edge_groups, self.params.group_words
        num_words = num_groups * num_parts
        room_words = Signal(range(num_words + 1), init=num_words)
        num_ready = Signal(range(num_groups + 1))
        part = Signal(index_shape(num_parts))
        read_slot = Signal(index_shape(num_groups))
        accepted = self.i.valid & self.i.ready
        is_end = accepted & (part == num_parts - 1)
        m.d.comb += [
            self.i.ready.eq(room_words != 0),
            self.is_ready.eq(num_ready != 0),
            self.word.eq(self.i.payload),
            self.write_parts.eq(Mux(accepted, 1 << part, 0)),
        ]
        m.d.sync += [
            room_words.eq(room_words - accepted + Mux(self.is_released, num_parts, 0)),
            num_ready.eq(num_ready + is_end - self.take),
            self.load.eq(self.take),
            self.load_slot.eq(read_slot),
        ]
        last = num_groups - 1
        with m.If(accepted):
            m.d.sync += part.eq(Mux(is_end, 0, part + 1))
        with m.If(is_end):
            m.d.sync += self.write_slot.eq(Mux(self.write_slot == last, 0, self.write_slot + 1))
        with m.If(self.take):
            m.d.sync += read_slot.eq(Mux(read_slot == last, 0, read_slot + 1))
        return m


class GroupBank(wiring.Component):
    """A row's groups of activations; the one that was read last stays.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    part : In(part_bits), write_parts : In(group_words), write_slot : In
    load : In(1), load_slot : In
    group : Out(group_bits); of the slot that was loaded in an earlier cycle

    Timing
    ------
    A group is there from the cycle after ``load`` on.

    Numbers
    -------
    None.
    """

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        slot = index_shape(params.edge_groups)
        super().__init__(
            {
                "part": In(params.part_bits),
                "write_parts": In(params.group_words),
                "write_slot": In(slot),
                "load": In(1),
                "load_slot": In(slot),
                "group": Out(params.group_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.storage = storage = memory.Memory(
            shape=data.ArrayLayout(p.part_bits, p.group_words),
            depth=p.edge_groups,
            init=[],
            # A slot is read after its group is complete, and written after every row has read it.
            attrs={"no_rw_check": 1},
        )
        write, read = storage.write_port(granularity=1), storage.read_port()
        m.d.comb += [
            write.addr.eq(self.write_slot),
            *(part.eq(self.part) for part in write.data),
            write.en.eq(self.write_parts),
            read.addr.eq(self.load_slot),
            read.en.eq(self.load),
            self.group.eq(read.data.as_value()[: p.group_bits]),
        ]
        return m
