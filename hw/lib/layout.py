"""Command formats as Amaranth layouts."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from .params import CommandFormat

__all__ = ["command_layout"]


def command_layout(command_format: CommandFormat) -> data.StructLayout:
    """The payload of a command stream: one member per field, the first in the lowest bits."""
    return data.StructLayout(
        {
            field.name: signed(field.bits) if field.signed else unsigned(field.bits)
            for field in command_format.fields
        }
    )
