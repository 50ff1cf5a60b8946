"""Latencies of the parts of a board's top in cycles: X in cycle t, Y in t + n at the earliest."""

MEMORY_LATENCY = 2
"""AR handshake to the first beat, last W beat to BVALID: a board's memory as `estimate` knows it
(`ON_CHIP_LATENCY_CYCLES` of the board tables)."""
BITS_PER_CHECKED_BYTE = 8
"""Cycles that the CRC takes for a byte; a byte takes 10 * divisor >= 40 on the line."""
