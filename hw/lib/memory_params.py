"""Parameters of the scratchpad and of command queues. Pure: no Amaranth here."""

from dataclasses import dataclass

from .params import CommandFormat, require


@dataclass(frozen=True, kw_only=True)
class ScratchpadParams:
    """`banks` banks of `words_per_bank` (a power of two) words of `word_bits`.

    Word address = bank * words_per_bank + row. Lanes of `lane_bits` are written separately. A word
    is valid `read_latency` (1..3) cycles after its request was granted: 1 = straight from the
    memory, 2 = register behind the selection of the bank, 3 = also one behind each bank.
    `read_reach` and `write_reach` name the banks that each port needs (None: all); where placement
    keeps ports apart, the selection of a bank per port and of a port per bank then costs nothing.
    """

    banks: int
    words_per_bank: int
    word_bits: int
    num_read_ports: int
    num_write_ports: int
    lane_bits: int = 8
    read_latency: int = 2
    read_reach: tuple[tuple[int, ...], ...] | None = None
    write_reach: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        for name in ("banks", "num_read_ports", "num_write_ports", "lane_bits"):
            require(name, getattr(self, name), 1)
        require("words_per_bank", self.words_per_bank, 2)
        if self.words_per_bank & (self.words_per_bank - 1):
            raise ValueError(f"words_per_bank: a power of two, got {self.words_per_bank}")
        if self.word_bits < 1 or self.word_bits % self.lane_bits:
            raise ValueError(f"word_bits: a multiple of {self.lane_bits}, got {self.word_bits}")
        if not 1 <= self.read_latency <= 3:
            raise ValueError(f"read_latency: 1..3, got {self.read_latency}")
        self._check_reach("read_reach", self.read_reach, self.num_read_ports)
        self._check_reach("write_reach", self.write_reach, self.num_write_ports)

    def _check_reach(
        self, name: str, reach: tuple[tuple[int, ...], ...] | None, num_ports: int
    ) -> None:
        if reach is None:
            return
        if len(reach) != num_ports:
            raise ValueError(f"{name}: one entry per port, {num_ports}, got {len(reach)}")
        for banks in reach:
            if len(set(banks)) != len(banks) or not set(banks) <= set(range(self.banks)):
                raise ValueError(f"{name}: distinct banks 0..{self.banks - 1}, got {banks}")

    def read_banks(self, port: int) -> tuple[int, ...]:
        """The banks that a read port reaches."""
        return tuple(range(self.banks)) if self.read_reach is None else self.read_reach[port]

    def write_banks(self, port: int) -> tuple[int, ...]:
        """The banks that a write port reaches."""
        return tuple(range(self.banks)) if self.write_reach is None else self.write_reach[port]

    @property
    def lanes(self) -> int:
        return self.word_bits // self.lane_bits

    @property
    def row_bits(self) -> int:
        return self.words_per_bank.bit_length() - 1

    @property
    def address_bits(self) -> int:
        return self.row_bits + (self.banks - 1).bit_length()


@dataclass(frozen=True, kw_only=True)
class QueueParams:
    """A unit's command queue: `depth` rows; ROM (`initial` is the program) or RAM.

    A RAM is written in chunks of 32 bits over `write`; `initial` is then what it holds after reset.
    """

    command_format: CommandFormat
    depth: int
    is_rom: bool = True
    initial: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require("depth", self.depth, 1)
        if len(self.initial) > self.depth:
            raise ValueError(f"initial: at most {self.depth} commands, got {len(self.initial)}")
        for word in self.initial:
            self.command_format.decode(word)

    @property
    def chunks(self) -> int:
        """32-bit chunks of a RAM row."""
        return -(-self.command_format.width // 32)

    @property
    def length_bits(self) -> int:
        return self.depth.bit_length()
