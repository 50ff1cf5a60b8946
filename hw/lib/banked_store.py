"""Banks with one read port each, filled by a stream of words that name their places."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .banked_store_params import BankMuxParams, BankParams, StoreParams
from .layout import equals
from .shared import Shared

__all__ = ["Bank", "BankMux", "BankedStore", "load_word_layout"]


def load_word_layout(params: StoreParams) -> data.StructLayout:
    """A word of the load stream: a bank word for each group of banks, and where it goes to."""
    write = data.StructLayout(
        {
            "data": params.word_bits,
            "address": params.address_bits,
            "bank": params.group_bits,
            "is_valid": 1,
        }
    )
    return data.StructLayout({"writes": data.ArrayLayout(write, params.load_words), "last": 1})


class Bank(wiring.Component):
    """A memory with one write port and one read port.

    Parameters
    ----------
    params : BankParams

    Members
    -------
    write_address, write_data, write_enable : In
    read_address, read_enable : In
    read_data : Out(word_bits); of ``read_address``, one cycle later

    Timing
    ------
    One word written and one read per cycle, never both at one address in one cycle.

    Numbers
    -------
    None.
    """

    def __init__(self, params: BankParams) -> None:
        self.params = params
        super().__init__(
            {
                "write_address": In(params.address_bits),
                "write_data": In(params.word_bits),
                "write_enable": In(1),
                "read_address": In(params.address_bits),
                "read_enable": In(1),
                "read_data": Out(params.word_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.storage = storage = memory.Memory(
            shape=self.params.word_bits,
            depth=self.params.depth,
            init=[],
            attrs={"no_rw_check": 1},  # the rule of the ports
        )
        write, read = storage.write_port(), storage.read_port()
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            write.en.eq(self.write_enable),
            read.addr.eq(self.read_address),
            read.en.eq(self.read_enable),
            self.read_data.eq(read.data),
        ]
        return m


class BankMux(wiring.Component):
    """The word of one bank.

    Parameters
    ----------
    params : BankMuxParams

    Members
    -------
    words : In(banks * word_bits), bank 0 lowest
    select : In(select_bits)
    word : Out(word_bits)

    Timing
    ------
    Combinational.

    Numbers
    -------
    None.
    """

    def __init__(self, params: BankMuxParams) -> None:
        self.params = params
        super().__init__(
            {
                "words": In(params.banks * params.word_bits),
                "select": In(params.select_bits),
                "word": Out(params.word_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = self.params.word_bits
        words = [self.words[n * bits : (n + 1) * bits] for n in range(self.params.banks)]
        m.d.comb += self.word.eq(Array(words)[self.select])
        return m


class BankedStore(wiring.Component):
    """`banks` banks; a packet of the load stream fills one buffer, which is read until it is freed.

    Parameters
    ----------
    params : StoreParams

    Members
    -------
    i : In(stream of load_word_layout(params)); ``last`` on the last word of a buffer's contents
    is_full : Out(1); the buffer that is read is filled
    free : In(1); it is not read after this cycle; only with ``is_full``
    addresses : In(ArrayLayout(address_bits, banks)), read : In(1); only with ``is_full``
    words : Out(banks * word_bits), bank 0 lowest; those of ``addresses``, one cycle after ``read``

    Timing
    ------
    One load word per cycle while a buffer is free. ``is_full`` is set in the cycle after the last
    load word, ``i.ready`` in the cycle after ``free``. Every bank is read in every cycle.

    Numbers
    -------
    None.
    """

    def __init__(self, params: StoreParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(load_word_layout(params))),
                "is_full": Out(1),
                "free": In(1),
                "addresses": In(data.ArrayLayout(params.address_bits, params.banks)),
                "read": In(1),
                "words": Out(params.banks * params.word_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        fill, drain = self._buffers(m)
        is_taken = self.i.valid & self.i.ready
        words = []
        for number in range(self.params.banks):
            m.submodules[f"bank_{number}"] = bank = Shared(Bank(self.params.bank_params))
            write = self.i.payload.writes[number // self.params.group]
            is_here = equals(write.bank, number % self.params.group)
            m.d.comb += [
                bank.write_address.eq(Cat(write.address, fill)),
                bank.write_data.eq(write.data),
                bank.write_enable.eq(is_taken & write.is_valid & is_here),
                bank.read_address.eq(Cat(self.addresses[number], drain)),
                bank.read_enable.eq(self.read),
            ]
            words.append(bank.read_data)
        m.d.comb += self.words.eq(Cat(words))
        return m

    def _buffers(self, m):
        """Counts full buffers; the upper address bit of the one that is filled, and of the one
        that is read.
        """
        num_full = Signal(range(self.params.buffers + 1))
        is_filled = self.i.valid & self.i.ready & self.i.payload.last
        m.d.comb += [
            self.i.ready.eq(num_full != self.params.buffers),
            self.is_full.eq(num_full.any()),
        ]
        m.d.sync += num_full.eq(num_full + is_filled - self.free)
        if self.params.buffers == 1:
            return Cat(), Cat()
        fill = Signal()
        drain = Signal()
        m.d.sync += [fill.eq(fill ^ is_filled), drain.eq(drain ^ self.free)]
        return fill, drain
