"""Command formats as Amaranth layouts."""

from amaranth.hdl import Value, signed, unsigned
from amaranth.lib import data

from .params import CommandFormat

__all__ = ["command_layout", "equals"]


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
