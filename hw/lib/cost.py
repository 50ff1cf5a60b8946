"""Latencies of the shared parts in cycles; parents add them up. Pure: no Amaranth here.

X_TO_Y = n: X happens in cycle t, the earliest Y follows in cycle t + n (exactly then, if nothing
else holds Y up). A transfer, grant, take or give "happens" in the cycle in which both sides see it.
"""

from .requantize_params import (
    FLOAT32_MANTISSA_BITS,
    RequantizeParams,
    chunk_bits,
    shift_levels,
)
from .stream_params import FIFOParams

# Stream parts: valid word at the input to valid word at the output.
STREAM_BUFFER = 1
SKID_BUFFER = 0
FORK = 0
JOIN = 0
UPSIZER = 1
"""From the part that completes (or ends) the wide word."""
DOWNSIZER = 1
"""To the first part."""


def fifo_latency(params: FIFOParams) -> int:
    """Cycles from a word's transfer into an empty FIFO to `o.valid`."""
    return 2 if params.uses_block and not params.has_bypass else 1


FIFO_TAKE_TO_SPACE = 1
"""A word taken from a full FIFO: `i.ready`."""

# Command queue.
QUEUE_START_TO_COMMAND = 2
QUEUE_COMMAND_INTERVAL = 1
QUEUE_LAST_TO_DONE = 1

# Tokens, loops.
TOKEN_GIVE_TO_AVAILABLE = 1
LOOP_COMMAND_TO_ELEMENT = 1
COMMAND_TO_ELEMENT = LOOP_COMMAND_TO_ELEMENT + STREAM_BUFFER
"""Of a streamer or DMA engine, which keeps elements in a buffer behind its loops."""

# Streamers.
STREAMER_ISSUE_TO_REQUEST = 1
"""Tokens are taken, and a word taken from a write streamer's input, at the issue."""
STREAMER_TAKE_TO_WRITE = STREAMER_ISSUE_TO_REQUEST
STREAMER_COMMAND_TO_REQUEST = COMMAND_TO_ELEMENT + STREAMER_ISSUE_TO_REQUEST
STREAMER_GIVE_TO_REQUEST = TOKEN_GIVE_TO_AVAILABLE + STREAMER_ISSUE_TO_REQUEST
STREAMER_GRANT_TO_GIVE = 1
STREAMER_TAKE_TO_REQUEST = 1 + STREAMER_ISSUE_TO_REQUEST
"""A word taken from a read streamer's output: the request that its credit allows."""
STREAMER_FIFO = 1


def streamer_grant_to_output(read_latency: int) -> int:
    """From a granted read request (or a padding element in its place) to the word on `o`."""
    return read_latency + STREAMER_FIFO


def streamer_full_rate_credits(read_latency: int) -> int:
    """Credits with which a read streamer sends one word per cycle."""
    return streamer_grant_to_output(read_latency) + STREAMER_TAKE_TO_REQUEST


# Scratchpad.
READ_LATENCY = 2
"""Default `ScratchpadParams.read_latency`: from the granted request to the response."""
WRITE_TO_READ = 1
"""From a granted write to the grant of a read that sees it."""

# DMA engines.
DMA_ELEMENT_TO_ADDRESS = 1
"""Tokens are taken as a run leaves the loops' buffer; its first AxVALID follows."""
DMA_COMMAND_TO_ADDRESS = COMMAND_TO_ELEMENT + DMA_ELEMENT_TO_ADDRESS
DMA_GIVE_TO_ADDRESS = TOKEN_GIVE_TO_AVAILABLE + DMA_ELEMENT_TO_ADDRESS
LOAD_BEAT_TO_WORD = 1
"""From the R handshake that completes a word to the write port's (or stream's) `valid`."""
LOAD_GRANT_TO_GIVE = 1
LOAD_LAST_TO_ADDRESS = 1
"""From the last beat of a burst to the ARVALID that its place allows."""
STORE_ADDRESS_TO_REQUEST = 2
"""From the AW handshake to the request for the burst's first word."""
STORE_GRANT_TO_GIVE = 1
"""Signals of kind `read`."""
STORE_RESPONSE_TO_GIVE = 1
"""Signals of kind `response`; `busy` falls in the same cycle."""
STORE_RESPONSE_TO_ADDRESS = 1
"""From the B handshake to the AWVALID that its place allows."""


def store_grant_to_beat(read_latency: int) -> int:
    """From a granted read request to WVALID of the word's first beat."""
    return read_latency + 1


def store_full_rate_credits(read_latency: int) -> int:
    """Credits with which a write DMA sends one word per cycle."""
    return store_grant_to_beat(read_latency) + 1


# AXI4-Lite register file.
REGISTER_WRITE_TO_PULSE = 1
"""From the W handshake (AW not later, no response pending) to a `pulse` output, as of start."""
REGISTER_WRITE_TO_VALUE = 2
REGISTER_WRITE_TO_RESPONSE = 2
REGISTER_ADDRESS_TO_DATA = 1

# Activity counters.
COUNTER_READ = 1
"""From `index` to `value`."""


def requantize_settings_latency(params: RequantizeParams) -> int:
    """Cycles from a requantizer's accumulator to the use of its zero point, minimum, maximum."""
    shift = -(-shift_levels(params) // 2)
    if params.mode == "fixed":
        # bias, magnitude, product, shift, round
        product = _product_latency(params.accumulator_bits, params.multiplier_bits)
        return 2 + product + shift + 1
    normalize = -(-(params.accumulator_bits - 1).bit_length() // 2)
    product = _product_latency(FLOAT32_MANTISSA_BITS, FLOAT32_MANTISSA_BITS)
    # bias, magnitude, normalize, round, product, select, round, amount, shift, round
    return 2 + normalize + 1 + product + 3 + shift + 1


def requantize_latency(params: RequantizeParams) -> int:
    """Cycles from a requantizer's accumulator to its result."""
    return requantize_settings_latency(params) + 2  # zero point, saturation


def _product_latency(a_bits: int, b_bits: int) -> int:
    """Cycles of a product: its DSP blocks, then a tree of additions."""
    blocks = -(-a_bits // chunk_bits(a_bits)) * -(-b_bits // chunk_bits(b_bits))
    return 1 + (blocks - 1).bit_length()
