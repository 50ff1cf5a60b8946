"""Command formats as Amaranth layouts."""

from amaranth.hdl import Array, Const, Value, signed, unsigned
from amaranth.lib import data

from .params import CommandFormat

__all__ = ["at_level", "command_layout", "equals"]


def command_layout(command_format: CommandFormat) -> data.StructLayout:
    """The payload of a command stream: one member per field, the first in the lowest bits."""
    return data.StructLayout(
        {
            field.name: signed(field.bits) if field.signed else unsigned(field.bits)
            for field in command_format.fields
        }
    )


def equals(value: Value, number: int) -> Value:
    """`value == number`; written so that a comparison with 0 passes Verilator's width check."""
    return value == number if number else ~value.any()


def at_level(flags: Value, level: Value) -> Value:
    """The boundary flag of a loop level; levels above the last mean never."""
    return Array([*flags, *([Const(0)] * ((1 << len(level)) - len(flags)))])[level]
