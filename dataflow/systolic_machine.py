"""Machines with one systolic engine."""

from __future__ import annotations

from tilewright.spec.machine import AcceleratorSection

from .machine import Engine, Machine, Memory, Scratchpad

MAX_BURST_BEATS = 16


def systolic_machine(
    *,
    rows: int,
    cols: int,
    lanes: int,
    dataflow: str = "output_stationary",
    requantize: str = "exact",
    multiplier_bits: int = 24,
    products_per_dsp: int = 1,
    param_sets: int | None = None,
    accumulator_rows: int = 128,
    scratchpad_bytes: int = 64 * 1024,
    banks: int = 8,
    bytes_per_cycle: int = 16,
    latency_cycles: int = 40,
    outstanding_bursts: int = 8,
    alignment_bytes: int = 4096,
    name: str = "array",
) -> Machine:
    """A machine with one systolic engine; sizes as in the spec's keys, `lanes` elements of 8 bits
    in a word.

    The scratchpad's words per bank are rounded down to a power of two.
    """
    params: dict[str, int | str] = {
        "rows": rows,
        "cols": cols,
        "lanes": lanes,
        "dataflow": dataflow,
        "requantize": requantize,
        "multiplier_bits": multiplier_bits,
        "products_per_dsp": products_per_dsp,
        "param_sets": param_sets or 4 * -(-lanes // cols),
        "accumulator_rows": accumulator_rows,
    }
    return Machine(
        engines=(Engine(name=name, kind="systolic", params=params),),
        scratchpad=_scratchpad(scratchpad_bytes, banks, lanes),
        memory=Memory(
            bytes_per_cycle=bytes_per_cycle, latency_cycles=latency_cycles,
            outstanding_bursts=outstanding_bursts, max_burst_beats=MAX_BURST_BEATS,
            alignment_bytes=alignment_bytes,
        ),
    )  # fmt: skip


def _scratchpad(num_bytes: int, banks: int, lanes: int) -> Scratchpad:
    bank_words = 1 << ((num_bytes // (banks * lanes)).bit_length() - 1)
    return Scratchpad(banks=banks, words_per_bank=bank_words, word_bits=8 * lanes)


def machine_of_section(section: AcceleratorSection) -> Machine:
    """The machine that a spec's section `accelerator` describes."""
    name, engine = next(iter(section.engines.items()))
    return systolic_machine(
        name=name,
        rows=engine.rows,  # type: ignore[attr-defined]
        cols=engine.cols,  # type: ignore[attr-defined]
        lanes=engine.lanes,  # type: ignore[attr-defined]
        dataflow=engine.dataflow,  # type: ignore[attr-defined]
        requantize=engine.requantize.mode,  # type: ignore[attr-defined]
        multiplier_bits=engine.requantize.multiplier_bits,  # type: ignore[attr-defined]
        products_per_dsp=engine.products_per_dsp,  # type: ignore[attr-defined]
        param_sets=engine.param_sets,  # type: ignore[attr-defined]
        accumulator_rows=engine.accumulator_rows,  # type: ignore[attr-defined]
        scratchpad_bytes=section.bank_words * section.scratchpad.banks * section.lanes,
        banks=section.scratchpad.banks,
        bytes_per_cycle=section.memory.bytes_per_cycle,
        latency_cycles=section.memory.latency_cycles,
        outstanding_bursts=section.memory.outstanding,
        alignment_bytes=section.memory.alignment_bytes,
    )
