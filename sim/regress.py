"""What a kernel's simulation is asked and what it answers: jobs, files, harness, results. Pure.

A job names the stream ports of a module and the cases to run: words to play, words to expect,
stalls on every port, and the cycles that the cost law promises. All cases run back to back in one
simulator process. Several kernels may share one simulator: a batch has a harness for each, of which
one is clocked at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tilewright.sim.vectors import StallPattern

__all__ = [
    "Case",
    "CaseResult",
    "Job",
    "Port",
    "PortResult",
    "batch_scope",
    "batch_top",
    "harness",
    "job_files",
]

TOP = "kernel_harness"
BATCH_TOP = "kernel_batch"
BATCH_FILE = "jobs.json"
"""In the folder of a batch: the folders of its jobs, which are the names of the harnesses, too."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the kernel.

    Parameters
    ----------
    name : as in `s_axis_NAME_tdata` (direction `in`) or `m_axis_NAME_tdata` (`out`). Direction
        `pulse`: the output `NAME`, whose high cycles are counted and must be as many as expected.
    bits : width of `tdata`.
    has_last : the port has `tlast`; in the words of a case it is the bit above the data.
    """

    name: str
    direction: Literal["in", "out", "pulse"]
    bits: int = 1
    has_last: bool = False

    @property
    def word_bits(self) -> int:
        """Bits of one word of a case."""
        return self.bits + self.has_last


@dataclass(frozen=True, kw_only=True)
class Case:
    """One piece of work.

    Parameters
    ----------
    inputs, expected : words per port; a pulse port expects as many words as pulses.
    stalls : per port; ports not named never stall.
    expected_cycles : from the first transfer of any input to the last of any `out` port, both
        counted; None: not checked. `limit_cycles` ends a case that hangs.
    """

    name: str
    inputs: Mapping[str, Sequence[int]]
    expected: Mapping[str, Sequence[int]]
    stalls: Mapping[str, StallPattern] = field(default_factory=dict)
    expected_cycles: int | None = None
    limit_cycles: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Job:
    """Cases for one module. After each, `drain_cycles` cycles prove that nothing is left."""

    module: str
    ports: tuple[Port, ...]
    cases: tuple[Case, ...]
    seed: int = 1
    drain_cycles: int = 64
    has_reset_between_cases: bool = False

    def __post_init__(self) -> None:
        names = [port.name for port in self.ports]
        if len(set(names)) != len(names):
            raise ValueError(f"two ports have one name: {names}")
        case_names = [case.name for case in self.cases]
        if len(set(case_names)) != len(case_names):
            raise ValueError(f"two cases have one name: {case_names}")
        known_in = {port.name for port in self.ports if port.direction == "in"}
        for case in self.cases:
            if set(case.inputs) != known_in or set(case.expected) != set(names) - known_in:
                raise ValueError(f"case {case.name}: words must be given for exactly {names}")


@dataclass(frozen=True, kw_only=True)
class PortResult:
    """What a port did; cycles count from the case's start, None if nothing was transferred."""

    count: int
    first_cycle: int | None
    last_cycle: int | None


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What became of a case; `cycles` as in `Case.expected_cycles`, None if nothing moved."""

    name: str
    is_passed: bool
    message: str
    cycles: int | None
    ports: Mapping[str, PortResult]

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "CaseResult":
        """From an entry of the results file of the bench."""
        ports = {name: PortResult(**value) for name, value in data["ports"].items()}
        return CaseResult(**{**data, "ports": ports})


def job_files(job: Job) -> dict[str, str]:
    """The files that the bench reads: `job.json`, and words and stalls per case and port."""
    files = {"job.json": json.dumps(_description(job), indent=1) + "\n"}
    for index, case in enumerate(job.cases):
        for port in job.ports:
            stem = f"case{index}_{port.name}"
            stalls = case.stalls.get(port.name, StallPattern())
            files[f"{stem}.stall"] = "".join(f"{bit:d} {count}\n" for bit, count in stalls.runs())
            if port.direction == "in":
                files[f"{stem}.hex"] = _hex_lines(case.inputs[port.name], port.word_bits)
            else:
                files[f"{stem}.expected"] = _hex_lines(case.expected[port.name], port.word_bits)
    return files


def _description(job: Job) -> dict[str, Any]:
    return {
        "module": job.module,
        "seed": job.seed,
        "drain_cycles": job.drain_cycles,
        "has_reset_between_cases": job.has_reset_between_cases,
        "ports": [
            {"name": port.name, "direction": port.direction, "word_bits": port.word_bits}
            for port in job.ports
        ],
        "cases": [
            {
                "name": case.name,
                "expected_cycles": case.expected_cycles,
                "limit_cycles": case.limit_cycles,
                "expected": {name: len(words) for name, words in case.expected.items()},
            }
            for case in job.cases
        ],
    }


def _hex_lines(words: Sequence[int], bits: int) -> str:
    for index, word in enumerate(words):
        if not 0 <= word < 1 << bits:
            raise ValueError(f"word {index} does not fit {bits} bits: {word:#x}")
    digits = (bits + 3) // 4
    return "".join(f"{word:0{digits}x}\n" for word in words)


def harness(module: str, ports: Sequence[Port], *, top: str = TOP, folder: str = "") -> str:
    """SystemVerilog around a kernel: clock, players, recorders, monitors, watchdog.

    The module `top` reads and writes the files of `folder` in the folder that the bench is given.
    """
    lines = [f"module {top};", _HARNESS_HEAD]
    pins = [".aclk(aclk)", ".aresetn(aresetn)"]
    for port in ports:
        lines += _port_text(port, folder)
        pins += _pins(port)
    done = " && ".join(f"is_done_{port.name}" for port in ports)
    lines.append(f"  assign is_done = {done};\n")
    lines.append(f"  {module} dut (\n    " + ",\n    ".join(pins) + "\n  );\nendmodule\n")
    return "\n".join(lines)


def batch_scope(index: int) -> str:
    """Name of the harness of a batch's kernel, of its instance and of its folder."""
    return f"kernel_{index}"


def batch_top(num_kernels: int) -> str:
    """SystemVerilog that holds the harnesses of a batch, modules `batch_scope(0)` and so on."""
    scopes = [batch_scope(index) for index in range(num_kernels)]
    lines = [f"  {scope} {scope} ();" for scope in scopes]
    return "\n".join([f"module {BATCH_TOP};", *lines, "endmodule\n"])


def public_signals(ports: Sequence[Port]) -> tuple[str, ...]:
    """Signals of the harness that the bench reads and writes."""
    names = ["aclk", "is_clocked", "aresetn", "start", "case_index", "limit_cycles"]
    names += ["drain_cycles", "finished", "has_timed_out"]
    for port in ports:
        names += [f"{kind}_{port.name}" for kind in ("count", "first", "last", "violations")]
        names += [] if port.direction == "in" else [f"expected_{port.name}"]
    return tuple(names)


_HARNESS_HEAD = """
  logic aclk = 0, is_clocked = 1, aresetn = 0;
  logic start = 0, finished = 0, has_timed_out = 0, is_running = 0, is_draining = 0, finish;
  logic [31:0] case_index = 0, limit_cycles = 0, drain_cycles = 0, cycle = 0, drained = 0;
  logic is_done;

  always #5 if (is_clocked) aclk = !aclk;

  assign finish = is_running && (cycle >= limit_cycles || (is_draining && drained >= drain_cycles));

  always @(posedge aclk) begin
    cycle <= start ? 0 : cycle + 1;
    drained <= is_draining ? drained + 1 : 0;
    if (start) begin
      is_running <= 1;
      is_draining <= 0;
      finished <= 0;
      has_timed_out <= 0;
    end else if (finish) begin
      is_running <= 0;
      is_draining <= 0;
      finished <= 1;
      has_timed_out <= !is_draining;
    end else if (is_running && cycle > 1 && is_done) begin
      is_draining <= 1;
    end
  end
"""


def _port_text(port: Port, folder: str) -> list[str]:
    name, width = port.name, f'#(.WIDTH({port.word_bits}), .NAME("{port.name}"))'
    prefix = f"{folder}/" if folder else ""
    files = f'{width[:-1]}, .FOLDER("{prefix}"))'
    state = f"logic [31:0] count_{name}, first_{name}, last_{name}, violations_{name}"
    times = f".count(count_{name}), .first_cycle(first_{name}), .last_cycle(last_{name})"
    stream = f".data(data_{name}), .valid(valid_{name}), .ready(ready_{name})"
    common = f".aclk(aclk), .start(start), .case_index(case_index), .cycle(cycle), {stream}"
    lines = [
        f"  logic [{port.word_bits - 1}:0] data_{name};",
        f"  logic valid_{name}, ready_{name}, is_done_{name};",
        f"  {state}, expected_{name} = 0;",
    ]
    if port.direction == "in":
        player = f"  stream_player {files} player_{name} ({common},"
        lines += [player, f"    .is_done(is_done_{name}), {times});"]
    else:
        recorder = f"  stream_recorder {files} recorder_{name} ({common},"
        drain = f".finish(finish), .is_draining(is_draining), .expected(expected_{name})"
        lines += [recorder, f"    {drain}, .is_done(is_done_{name}), {times});"]
    if port.direction == "pulse":
        return [*lines, f"  assign data_{name} = 1;", f"  assign violations_{name} = 0;"]
    monitor = f"  stream_monitor {width} monitor_{name} (.aclk(aclk), .aresetn(aresetn),"
    return [*lines, monitor, f"    .cycle(cycle), {stream}, .violations(violations_{name}));"]


def _pins(port: Port) -> list[str]:
    name = port.name
    if port.direction == "pulse":
        return [f".{name}(valid_{name})"]
    prefix = f"{'s' if port.direction == 'in' else 'm'}_axis_{name}"
    pins = [f".{prefix}_tdata(data_{name}[{port.bits - 1}:0])"]
    pins += [f".{prefix}_tvalid(valid_{name})", f".{prefix}_tready(ready_{name})"]
    return pins + ([f".{prefix}_tlast(data_{name}[{port.bits}])"] if port.has_last else [])
