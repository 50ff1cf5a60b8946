"""Parameters of the banked store. Pure: no Amaranth here."""

from dataclasses import dataclass

from .params import require


@dataclass(frozen=True, kw_only=True)
class BankParams:
    """A memory of `depth` words of `word_bits` bits with one write and one read port."""

    word_bits: int
    depth: int

    @property
    def address_bits(self) -> int:
        """Width of an address."""
        return max(1, (self.depth - 1).bit_length())


@dataclass(frozen=True, kw_only=True)
class BankMuxParams:
    """One of `banks` words of `word_bits` bits."""

    word_bits: int
    banks: int

    @property
    def select_bits(self) -> int:
        """Width of the number of a bank."""
        return max(1, (self.banks - 1).bit_length())


@dataclass(frozen=True, kw_only=True)
class StoreParams:
    """`banks` banks of `bank_words` words of `word_bits` bits, `buffers` (1 or 2) times.

    A word of the load stream brings `load_words` bank words: word w for one of the banks
    [w * group, (w + 1) * group), where group = banks / load_words.
    """

    word_bits: int
    banks: int
    bank_words: int
    buffers: int = 2
    load_words: int = 1

    def __post_init__(self) -> None:
        for name in ("word_bits", "banks", "bank_words", "load_words"):
            require(name, getattr(self, name), 1)
        if self.buffers not in (1, 2):
            raise ValueError(f"buffers: 1 or 2, got {self.buffers}")
        if self.banks % self.load_words:
            raise ValueError(
                f"load_words: a divisor of banks = {self.banks}, got {self.load_words}"
            )

    @property
    def address_bits(self) -> int:
        """Width of the address of a bank word in one buffer."""
        return max(1, (self.bank_words - 1).bit_length())

    @property
    def group(self) -> int:
        """Banks that one word of the load stream's words may go to."""
        return self.banks // self.load_words

    @property
    def group_bits(self) -> int:
        """Width of the number of a bank in its group."""
        return max(1, (self.group - 1).bit_length())

    @property
    def write_bits(self) -> int:
        """Width of a bank word with its place in a word of the load stream."""
        return self.word_bits + self.address_bits + self.group_bits + 1

    @property
    def load_word_bits(self) -> int:
        """Width of a word of the load stream, without `last`."""
        return self.load_words * self.write_bits

    @property
    def bank_params(self) -> BankParams:
        """Each bank's memory: the buffers lie behind each other."""
        return BankParams(word_bits=self.word_bits, depth=self.buffers << self.address_bits)

    @property
    def mux_params(self) -> BankMuxParams:
        """The choice of a bank's word."""
        return BankMuxParams(word_bits=self.word_bits, banks=self.banks)
