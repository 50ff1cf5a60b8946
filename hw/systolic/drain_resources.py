"""What the drain is made of: requantizers with their parameters, deskew, output FIFO. Pure."""

from ..lib.cost import requantize_latency, requantize_settings_latency
from ..lib.memory_mapping import Memory
from ..lib.requantize_params import MULTIPLIER_FIELD_BITS
from ..lib.requantize_resources import requantizer
from ..lib.structure import Structure, bits_of
from . import cost, cost_ws
from .params import ENTRY_BITS, SystolicParams


def drain(s: Structure, p: SystolicParams) -> None:
    """From the values that leave the array to output words."""
    bits = p.output_word_bits // p.cols
    sums = "totals" if p.dataflow == "weight_stationary" else "collect"
    for column in range(p.cols):
        behind = "finish" if p.has_parameters else sums
        s.delay("deskew", bits, p.cols - 1 - column, behind=behind)
    latency = p.cols - 1
    if p.has_parameters:
        latency += requantize_latency(p.requantize_params)
        _parameters(s, p)
        _columns(s, p)
    s.registers("under_way", 2 * latency)
    _output(s, p)


def _output(s: Structure, p: SystolicParams) -> None:
    """The output FIFO and its room."""
    law = cost_ws if p.dataflow == "weight_stationary" else cost
    depth = law.output_words(p)
    s.fifo("output", p.output_word_bits + 1, depth, block=True)
    s.registers("output", depth.bit_length())
    s.count("output", 2 * depth.bit_length())


def _entry_bits(p: SystolicParams) -> int:
    """Bits of an entry that a requantizer looks at: not a float's sign, nor spare bits."""
    if p.requantize == "exact":
        return ENTRY_BITS - 1
    return ENTRY_BITS - MULTIPLIER_FIELD_BITS + p.multiplier_bits


def _columns(s: Structure, p: SystolicParams) -> None:
    """A requantizer per column with its entry and settings; the settings' way there."""
    settings = 3 * p.requantize_params.setting_bits
    s.registers("columns", p.cols * (_entry_bits(p) + settings + 2))
    stages = requantize_settings_latency(p.requantize_params)
    s.delay("settings", settings, stages)
    s.registers("settings", settings + stages + 1)
    requantizer(s, p.requantize_params, p.cols)


def _parameters(s: Structure, p: SystolicParams) -> None:
    """The ring of parameter sets."""
    words_per_row = max(1, ENTRY_BITS // p.param_word_bits)
    entries_per_row = max(1, p.param_word_bits // ENTRY_BITS)
    rows = p.param_sets * (p.words_per_set // words_per_row)
    width = max(ENTRY_BITS, p.param_word_bits)
    s.memory("ring", Memory(width=width, depth=max(2, rows),
                            used_bits=entries_per_row * _entry_bits(p)))  # fmt: skip
    num_words, sets = p.param_sets * p.words_per_set, p.param_sets.bit_length()
    word, row = (p.words_per_set - 1).bit_length(), (rows - 1).bit_length()
    index, lane = (p.cols - 1).bit_length(), (entries_per_row - 1).bit_length()
    s.registers("ring", num_words.bit_length() + sets + word + row + 1)
    s.registers("ring", index + row + 2 * lane + sets + 2)
    s.count("ring", 2 * num_words.bit_length() + 3 * sets + word + 3 * row + 2 * index)
    if words_per_row > 1:
        s.registers("ring", ENTRY_BITS - p.param_word_bits + bits_of(words_per_row))
    s.scale("ring", sets, p.words_per_set)
    s.scale("ring", max(1, (p.param_sets - 1).bit_length()), p.words_per_set // words_per_row)
    s.choose("entries", entries_per_row, _entry_bits(p))
