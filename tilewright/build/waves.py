"""Waveforms: a window of time in FST, and the saved view that opens it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WaveWindow", "saved_view", "wave_main"]


@dataclass(frozen=True, kw_only=True)
class WaveWindow:
    """What is recorded: picoseconds `[start_ps, end_ps)`; `signals` are shown, all are recorded."""

    start_ps: int = 0
    end_ps: int = 1 << 62
    signals: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start_ps < self.end_ps:
            raise ValueError(f"a window needs 0 <= start < end, got {self}")


def wave_main(cocotb_main: Path) -> str:
    """C++ text: cocotb's main program with a trace file that keeps only the window."""
    return f"""// cocotb's main program, but the trace keeps only the window of time asked for.
#include "Vtop.h"
#include "verilated.h"
#include "verilated_fst_c.h"
#include <cinttypes>
#include <cstdio>

class WindowedTrace final : public VerilatedFstC {{
    static uint64_t number(const char* name, uint64_t otherwise) {{
        const char* text = Verilated::commandArgsPlusMatch(name);
        const size_t skipped = strlen(name) + 1;
        uint64_t value = 0;
        if (!text[0] || sscanf(text + skipped, "%" SCNu64, &value) != 1) return otherwise;
        return value;
    }}
    const uint64_t m_start = number("wave_start_ps=", 0);
    const uint64_t m_end = number("wave_end_ps=", ~uint64_t{{0}});

public:
    void dump(uint64_t time) {{
        if (time >= m_start && time < m_end) VerilatedFstC::dump(time);
    }}
}};

#define VerilatedFstC WindowedTrace
#include "{cocotb_main}"
"""


def saved_view(window: WaveWindow, trace: Path) -> str:
    """GTKWave's saved view of the window."""
    head = [f'[dumpfile] "{trace}"', f"[timestart] {window.start_ps}", "[size] 1600 900"]
    return "\n".join([*head, "[sst_expanded] 1", "@28", *window.signals]) + "\n"
