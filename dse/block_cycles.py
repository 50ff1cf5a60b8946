"""Cycles of streamed matmuls on many machines at once: the arrays' laws, the memory's roofline.

An op is a *fill* until the array starts, its *first* panel (output stationary) or packet (weight
stationary), during which a block of rows is still loaded, the *rest*, and a *tail* until the last
response of the memory, for which the next op waits. First and rest take what the array or the
memory port takes, whichever is longer. The array's cycles are those of its law (`closed`,
`closed_ws`), words and runs those of the streaming schedule (`dataflow.streaming`), latencies those
of `hw.lib.cost`. What it leaves out are collisions in between: how far it is from the exact
`estimate` is measured by `benchmarks/exploration.py --only estimate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tilewright.dataflow.streaming_sizes import Columns, Numbers, floor_div

from .block_latencies import HARDWARE, Latencies


@dataclass(frozen=True, kw_only=True)
class Port(Columns):
    """Memory ports, each an axis of (machines, 1), or of (works, ports, 1) for works of (works, 1,
    ops) with ports of their own.
    """

    beats_per_word: Numbers
    burst_words: Numbers
    latency_cycles: Numbers
    outstanding_bursts: Numbers

    def run_cycles(self, words: Numbers, more_cycles: int = 0) -> Numbers:
        """Cycles that a run of words takes among others: its beats, or, where too few bursts may
        be under way to hide the latency and `more_cycles`, its share of that.
        """
        whole = floor_div(words, self.burst_words)
        rest = words - whole * self.burst_words
        part = self._burst_cycles(rest, more_cycles)
        part *= rest > 0
        part += whole * self._burst_cycles(self.burst_words, more_cycles)
        return part

    def _burst_cycles(self, words: Numbers, more_cycles: int) -> Numbers:
        beats = words * self.beats_per_word
        waited: Numbers = beats + (self.latency_cycles + more_cycles)
        waited /= self.outstanding_bursts
        return np.maximum(beats, waited, out=waited)


@dataclass(frozen=True, kw_only=True)
class Work(Columns):
    """What each op asks of the array and the port, whatever memory is behind it: (machines, ops).

    Cycles of the array: `first` of the first panel or packet, `total` of all; `after_load` from the
    last activations to the end of the first panel, `last` from the last weights to the end, `again`
    from the release of a block's first rows to their next use; `to_result` from the end to the last
    word of results (may be below 0). Runs of activations (`a`), weights (`b`) and results (`o`):
    their words, and how many there are in the op, in its first block, panel, packet, early or ahead
    of the array. `o_busy`: cycles in which a run of results is written, `is_single`: that it is
    stored before the next may be written. `edge_words` are what the array needs before it starts.
    """

    first: Numbers
    total: Numbers
    after_load: Numbers
    last: Numbers
    again: Numbers
    to_result: Numbers
    blocks: Numbers
    panels: Numbers
    a_run_words: Numbers
    a_runs: Numbers
    a_first_runs: Numbers
    a_early_runs: Numbers
    b_run_words: Numbers
    b_runs: Numbers
    b_early_runs: Numbers
    b_first_runs: Numbers
    b_ahead_runs: Numbers
    parameter_words: Numbers
    o_runs: Numbers
    o_last_words: Numbers
    o_busy: Numbers
    is_single: Numbers
    edge_words: Numbers


@dataclass(frozen=True, kw_only=True)
class Phases(Columns):
    """The parts of each op's time in cycles (machines, ops), one after the other: `late`, in which
    its first weights still come; `to_start` until the array begins; `body` until it has done its
    last work; `tail` until the next op may load.
    """

    late: Numbers
    to_start: Numbers
    body: Numbers
    tail: Numbers

    @property
    def cycles(self) -> Numbers:
        """Their sum."""
        return self.late + self.to_start + self.body + self.tail


def op_cycles(work: Work, port: Port, latencies: Latencies = HARDWARE) -> Numbers:
    """Cycles of each op (machines, ops), from the first load that it may make to the next op's."""
    return op_phases(work, port, latencies).cycles


def op_phases(work: Work, port: Port, latencies: Latencies = HARDWARE) -> Phases:
    """The same in its parts."""
    a_run, b_run = port.run_cycles(work.a_run_words), port.run_cycles(work.b_run_words)
    parameters = port.run_cycles(work.parameter_words)
    to_start = latencies.run_to_start + port.latency_cycles + a_run + work.edge_words - 2
    tail = _tail_cycles(work, port, latencies)
    late = _late_cycles(work, b_run, parameters, tail)
    a_first = a_run * (work.a_first_runs - 1)
    first = np.maximum(work.first, a_first + b_run * work.b_first_runs + work.after_load)
    loads = a_run * (work.a_runs - work.a_first_runs) + parameters * (work.panels - 1)
    loads += b_run * (work.b_runs - work.b_first_runs - work.b_early_runs)
    idle = first - a_first - b_run * work.b_first_runs
    loads -= np.maximum(np.minimum(idle, b_run * work.b_ahead_runs), 0)
    stalls = (work.blocks - 1) * _stall_cycles(work, to_start, a_first + b_run * work.b_first_runs)
    rest = stalls + (work.total - work.first)
    rest = np.maximum(rest, (loads + work.last) * (loads > 0))
    stored = port.run_cycles(work.a_run_words, latencies.store)
    stored += work.is_single * (work.o_busy + latencies.slot)
    body = np.maximum(first + rest, stored * work.o_runs)
    return Phases(late=late, to_start=to_start, body=body, tail=tail)


def _stall_cycles(work: Work, to_start: Numbers, loads: Numbers) -> Numbers:
    """Cycles that the array waits for a block's activations: they are loaded in no more time than
    the last panel of the block before and its own first one.
    """
    whole = loads + work.after_load - work.first
    stall: Numbers = np.maximum(to_start - work.again + np.maximum(whole, 0), 0)
    return stall


def start_cycles(work: Work, port: Port, latencies: Latencies = HARDWARE) -> Numbers:
    """What the first op of all takes more: its weights come after its first activations."""
    a_run, b_run = port.run_cycles(work.a_run_words), port.run_cycles(work.b_run_words)
    parameters = port.run_cycles(work.parameter_words)
    late = _late_cycles(work, b_run, parameters, _tail_cycles(work, port, latencies))
    before = a_run * work.a_early_runs + b_run + parameters - late
    loads = a_run * (work.a_first_runs - 1) + b_run * work.b_first_runs + work.after_load
    more_loads = b_run * (work.b_early_runs - 1) - a_run * work.a_early_runs
    more = np.maximum(work.first, loads + more_loads) - np.maximum(work.first, loads)
    cycles: Numbers = before + more + latencies.first_element + 1 - latencies.response_to_element
    return cycles


def _tail_cycles(work: Work, port: Port, latencies: Latencies) -> Numbers:
    """From the end of the array's work to the last response."""
    out = port.run_cycles(work.o_last_words) - 1
    after = latencies.taken_to_beat + port.latency_cycles + latencies.response_to_element
    return work.to_result + out + after


def _late_cycles(work: Work, b_run: Numbers, parameters: Numbers, tail: Numbers) -> Numbers:
    """Cycles of the first weights that are not hidden behind the end of an op before, which is
    taken to be like this one.
    """
    late: Numbers = np.maximum(b_run * work.b_early_runs + parameters - work.last - tail, 0)
    return late
