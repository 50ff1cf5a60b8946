"""Port shapes that the parts of the systolic template share."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tilewright.spec.numbers import NumberFormat

from ..lib.layout import command_layout
from .params import SystolicParams

ROOM_BITS = 16


def index_shape(num: int) -> range:
    """Shape of an index of `num` things: never 0 bits wide, which Verilog cannot say."""
    return range(max(num, 2))


def operand_shape(number_format: NumberFormat) -> Shape:
    """Shape of one operand."""
    return signed(number_format.bits) if number_format.signed else unsigned(number_format.bits)


def settings_layout(params: SystolicParams) -> data.StructLayout:
    """What requantizing a packet needs besides its parameter entries."""
    setting = signed(params.requantize_params.setting_bits)
    return data.StructLayout({"zero_point": setting, "minimum": setting, "maximum": setting})


def packet_layout(params: SystolicParams) -> data.StructLayout:
    """What the drain is told about a packet of results that it requantizes.

    `set`: ring position of its parameter entries. `freed_sets`: parameter sets that are no longer
    needed once its entries have been read: those of the panel with its last packet, else 0.
    """
    return data.StructLayout(
        {
            "set": index_shape(params.param_sets),
            "freed_sets": range(params.param_sets + 1),
            "settings": settings_layout(params),
        }
    )


def output_layout(params: SystolicParams) -> data.StructLayout:
    """An output word: one result per column; `last` on the last word of a packet."""
    return data.StructLayout({"data": params.output_word_bits, "last": 1})


def drain_signature(params: SystolicParams) -> wiring.Signature:
    """What a core hands to the drain. Directions as the core sees them.

    Results leave as *packets*: runs of any number of rows, one per cycle without gaps inside, on
    the timeline of column 0. Column c's values lag those of column 0 by c cycles.

    * ``announce`` with ``packet``: exactly `cost.ANNOUNCE_CYCLES` = 2 cycles before the first
      value of a packet; at least `cols` cycles between two of them.
    * ``values[0]`` holds a result in each cycle with ``valid``; ``last`` marks a packet's last.
    * ``reserve_words``: output words (rows of results) that the core promises to itself in this
      cycle. It must not exceed ``room_words``, and each word must be reserved before its value
      appears: the drain cannot be stopped.
    * ``claim_sets``: parameter sets that the core takes for a panel in this cycle, at most
      ``ready_sets``. Sets are numbered round a ring of `param_sets`, from 0 after reset.

    With raw output there are no parameters, and neither ``announce`` nor ``packet`` nor the sets.
    ``room_words`` and ``ready_sets`` come from counters that change in the next cycle:
    ``frees_word``, ``completes_set``: besides what is taken, they will be one more.
    """
    members = {
        "values": Out(data.ArrayLayout(signed(params.accumulator_bits), params.cols)),
        "valid": Out(1),
        "last": Out(1),
        "reserve_words": Out(ROOM_BITS),
        "room_words": In(ROOM_BITS),
        "frees_word": In(1),
    }
    if params.has_parameters:
        members["announce"] = Out(1)
        members["packet"] = Out(packet_layout(params))
        members["claim_sets"] = Out(range(params.param_sets + 1))
        members["ready_sets"] = In(range(params.param_sets + 1))
        members["completes_set"] = In(1)
    return wiring.Signature(members)


def core_members(params: SystolicParams) -> dict[str, wiring.Member]:
    """Members of every core: operands and commands in, `drain` out, and its activity.

    ``is_active``: a command is held. ``wait_input``, ``wait_output``: nothing can start because
    operand or parameter words, or room for results, are missing.
    """
    return {
        "command": In(stream.Signature(command_layout(params.command_format))),
        "a": In(stream.Signature(params.a_word_bits)),
        "b": In(stream.Signature(params.b_word_bits)),
        "drain": Out(drain_signature(params)),
        "is_active": Out(1),
        "wait_input": Out(1),
        "wait_output": Out(1),
    }
