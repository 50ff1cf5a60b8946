"""Parameters and command formats of the shared parts. Pure: no Amaranth here.

A command is one row of bits whose fields are described by a `CommandFormat`; the same object
encodes programs (`hw/configure.py`) and shapes the hardware (`hw/lib/layout.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

ADDRESS_JUMP_EXTRA_BITS = 1
"""A jump is signed and must reach any address from any other: one bit more than the address."""


class Activity(IntEnum):
    """What a unit does in a cycle. Exactly one class per cycle, so the counts sum to the total."""

    IDLE = 0
    BUSY = 1
    WAIT_INPUT = 2
    WAIT_OUTPUT = 3
    WAIT_TOKEN = 4
    BANK_CONFLICT = 5


ACTIVITY_BITS = 3

COUNTER_GROUP_BITS = 4
"""Of a counter's index: one counter of each group is chosen in a cycle, a group in the next."""


class CommandError(ValueError):
    """A command does not fit its format; the text names every wrong field."""


def require(name: str, value: int, minimum: int) -> None:
    """Refuse a parameter below its minimum."""
    if value < minimum:
        raise ValueError(f"{name}: at least {minimum}, got {value}")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a command: `name`, width in `bits`, two's complement when `signed`."""

    name: str
    bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise ValueError(f"field {self.name}: at least 1 bit, got {self.bits}")

    @property
    def minimum(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1


@dataclass(frozen=True, kw_only=True)
class CommandFormat:
    """Ordered fields, the first in the lowest bits."""

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"fields named twice: {', '.join(repeated)}")

    @cached_property
    def width(self) -> int:
        """Bits of a command."""
        return sum(field.bits for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def encode(self, values: Mapping[str, int]) -> int:
        """The command as a number. Every field must be given and in range: no field is cut."""
        wrong = [
            f"{name}: not a field of this command" for name in values if name not in self.names
        ]
        word, offset = 0, 0
        for field in self.fields:
            value = values.get(field.name)
            if value is None:
                wrong.append(f"{field.name}: missing")
            elif not field.minimum <= value <= field.maximum:
                wrong.append(f"{field.name}: {field.minimum}..{field.maximum}, got {value}")
            else:
                word |= (int(value) & ((1 << field.bits) - 1)) << offset
            offset += field.bits
        if wrong:
            raise CommandError("; ".join(wrong))
        return word

    def decode(self, word: int) -> dict[str, int]:
        """The fields of an encoded command."""
        if not 0 <= word < 1 << self.width:
            raise CommandError(f"a command of {self.width} bits, got {word:#x}")
        values = {}
        for field in self.fields:
            value = word & ((1 << field.bits) - 1)
            values[field.name] = value - (1 << field.bits) if value > field.maximum else value
            word >>= field.bits
        return values


def loop_fields(num_loops: int, bound_bits: int) -> tuple[Field, ...]:
    """`last_d` = bound - 1 of each loop, innermost first."""
    return tuple(Field(name=f"last_{d}", bits=bound_bits) for d in range(num_loops))


def address_fields(name: str, num_loops: int, address_bits: int) -> tuple[Field, ...]:
    """Base and jumps of one address space; `name` "" gives `base`, "memory" gives `memory_base`."""
    prefix = f"{name}_" if name else ""
    jump_bits = address_bits + ADDRESS_JUMP_EXTRA_BITS
    jumps = (Field(name=f"{prefix}jump_{d}", bits=jump_bits, signed=True) for d in range(num_loops))
    return (Field(name=f"{prefix}base", bits=address_bits), *jumps)


def level_bits(num_loops: int) -> int:
    """Bits of a loop level: 0..num_loops, and num_loops + 1 for never."""
    return (num_loops + 1).bit_length()


def token_fields(
    num_waits: int, num_signals: int, num_loops: int, token_bits: int
) -> tuple[Field, ...]:
    """Level and count of each wait and signal port."""
    names = [f"wait{i}" for i in range(num_waits)] + [f"signal{i}" for i in range(num_signals)]
    return tuple(
        field
        for name in names
        for field in (
            Field(name=f"{name}_level", bits=level_bits(num_loops)),
            Field(name=f"{name}_count", bits=token_bits),
        )
    )


def jumps(bounds: list[int], strides: list[int]) -> list[int]:
    """The `jump_d` of loops (innermost first) with these bounds and strides."""
    return [
        strides[d] - sum(strides[i] * (bounds[i] - 1) for i in range(d)) for d in range(len(bounds))
    ]


@dataclass(frozen=True, kw_only=True)
class TokenParams:
    """A token counter of `bits` bits that starts at `initial`."""

    initial: int
    bits: int

    def __post_init__(self) -> None:
        if not 0 <= self.initial < 1 << self.bits:
            raise ValueError(f"initial: 0..{(1 << self.bits) - 1}, got {self.initial}")


@dataclass(frozen=True, kw_only=True)
class CounterParams:
    """Activity counters: one of `counter_bits` for each class of each of `num_units` units."""

    num_units: int
    counter_bits: int = 48

    @property
    def num_counters(self) -> int:
        return self.num_units * len(Activity)

    def index(self, unit: int, activity: Activity) -> int:
        """The read index of one counter."""
        return unit * len(Activity) + int(activity)


@dataclass(frozen=True, kw_only=True)
class AddressSpace:
    """An address that a loop nest drives; `name` as in `address_fields`."""

    name: str
    bits: int

    @property
    def member(self) -> str:
        """Name of the nest's output."""
        return f"{self.name}_address" if self.name else "address"


@dataclass(frozen=True, kw_only=True)
class LoopParams:
    """A nest of `num_loops` loops walked by commands of `command_format`.

    `initial_command` is what the command register holds after reset. With a program in ROM, give
    one of its commands: fields that are equal in all of them then fold to constants in synthesis.
    """

    num_loops: int
    bound_bits: int
    spaces: tuple[AddressSpace, ...]
    command_format: CommandFormat
    initial_command: int = 0

    def __post_init__(self) -> None:
        require("num_loops", self.num_loops, 1)
        require("bound_bits", self.bound_bits, 1)


@dataclass(frozen=True, kw_only=True)
class StreamerParams:
    """A read or write streamer.

    `word_bits` is the width of a scratchpad word. A read streamer has `credits` words under way
    at most (`cost.streamer_full_rate_credits` for one word per cycle), reads from a scratchpad
    of `read_latency` and tests `num_padding` coordinates of `padding_bits`. A write streamer fills
    one of `num_groups` groups of lanes per element, chosen by the counter of loop `group_loop`
    (None: always group 0). `initial_command` as in `LoopParams`; `has_ram_words`: FIFO in RAM.
    """

    num_loops: int
    address_bits: int
    bound_bits: int
    word_bits: int
    num_waits: int
    num_signals: int
    token_bits: int
    has_ram_words: bool = False
    credits: int = 8
    read_latency: int = 2
    num_padding: int = 0
    padding_bits: int = 16
    lane_bits: int = 8
    num_groups: int = 1
    group_loop: int | None = None
    initial_command: int = 0

    def __post_init__(self) -> None:
        for name in ("num_loops", "address_bits", "bound_bits", "word_bits", "token_bits"):
            require(name, getattr(self, name), 1)
        for name in ("credits", "read_latency", "lane_bits", "num_groups"):
            require(name, getattr(self, name), 1)
        if self.word_bits % (self.num_groups * self.lane_bits):
            raise ValueError(
                f"word_bits: a multiple of num_groups x lane_bits = "
                f"{self.num_groups * self.lane_bits}, got {self.word_bits}"
            )
        if self.group_loop is not None and not 0 <= self.group_loop < self.num_loops:
            raise ValueError(f"group_loop: 0..{self.num_loops - 1}, got {self.group_loop}")

    @property
    def level_bits(self) -> int:
        return level_bits(self.num_loops)

    @property
    def group_bits(self) -> int:
        """Width of a write streamer's input."""
        return self.word_bits // self.num_groups

    @property
    def spaces(self) -> tuple[AddressSpace, ...]:
        coordinates = (
            AddressSpace(name=f"pad{i}", bits=self.padding_bits) for i in range(self.num_padding)
        )
        return (AddressSpace(name="", bits=self.address_bits), *coordinates)

    @property
    def command_format(self) -> CommandFormat:
        """Fields: last, base and jump, waits and signals, then per coordinate base, jump, limit."""
        loops = self.num_loops
        padding = tuple(
            field
            for i in range(self.num_padding)
            for field in (
                *address_fields(f"pad{i}", loops, self.padding_bits),
                Field(name=f"pad{i}_limit", bits=self.padding_bits - 1),
            )
        )
        tokens = token_fields(self.num_waits, self.num_signals, loops, self.token_bits)
        addresses = address_fields("", loops, self.address_bits)
        return CommandFormat(
            fields=(*loop_fields(loops, self.bound_bits), *addresses, *tokens, *padding)
        )

    @property
    def loop_params(self) -> LoopParams:
        return LoopParams(
            num_loops=self.num_loops,
            bound_bits=self.bound_bits,
            spaces=self.spaces,
            command_format=self.command_format,
            initial_command=self.initial_command,
        )
