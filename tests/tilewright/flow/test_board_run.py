"""The driver of a board against a board in Python whose accelerator is the golden model."""

import numpy as np
import pytest
from tilewright.boards import load_board
from tilewright.boards.link.device import Device
from tilewright.boards.link.faults import DevicePort, FaultRates
from tilewright.boards.link.host import Link, LinkTiming
from tilewright.boards.link.messages import Identity
from tilewright.dataflow.layout import pack_activations
from tilewright.dataflow.memory_map import read_activations
from tilewright.hw.top import register_table
from tilewright.sim.golden.run import run as run_golden

from tilewright.build.board_params import top_params
from tilewright.catalog import load_spec
from tilewright.flow.board_driver import BoardRunError, Driver, WrongDesignError
from tilewright.flow.board_verdict import BoardRun, board_cycles, board_verdict
from tilewright.flow.design import make_design

MILD = FaultRates(drop=0.0003, double=0.0003, change=0.0003, insert=0.0003, flag=0.0001)
BUSY, DONE = 1, 2


class GoldenAccelerator:
    """Registers of an accelerator that computes with the golden model when it is started."""

    def __init__(self, design, memory):
        self.design, self.memory = design, memory
        table = register_table(design.config)
        self.names = {register.offset: register.name for register in table.registers}
        self.window = table.windows[0] if table.windows else None
        self.values = {"status": 0}
        self.program = {}
        self.starts = 0
        self.polls_left = 0
        self.change = lambda outputs: outputs
        self.cycles = board_cycles(design)

    def __call__(self, offset, value):
        if self.window is not None and offset >= self.window.offset:
            self.program[offset] = value
            return value
        name = self.names.get(offset)
        if name is None:
            return None
        if value is None:
            return self._read(name)
        if name == "control":
            self._control(value)
        self.values[name] = value
        return value

    def _read(self, name):
        if name == "status" and self.values["status"] == BUSY:
            self.polls_left -= 1
            if self.polls_left <= 0:
                self.values["status"] = DONE
        if name == "cycles_low":
            return self.cycles if self.values["status"] == DONE else 0
        return self.values.get(name, 0)

    def _control(self, value):
        if value & 2:
            self.values["status"] = 0
        if value & 1:
            self.starts += 1
            self.values["status"] = BUSY
            self.polls_left = 3
            self._compute()

    def _compute(self):
        design = self.design
        word_bytes = design.machine.word_bytes
        image = np.frombuffer(bytes(self.memory), np.uint8)[: design.memory_bytes]
        image = image.reshape(-1, word_bytes)
        inputs = {
            t.name: read_activations(image, design.graph, design.plan, design.machine, t.name)
            for t in design.graph.inputs
        }
        results = self.change(run_golden(design.graph, inputs))
        for tensor in design.graph.outputs:
            base = design.plan.address_words(tensor.name) * word_bytes
            for row, word in enumerate(
                pack_activations(results[tensor.name], design.machine.lanes)
            ):
                start = base + row * word_bytes
                self.memory[start : start + len(word)] = word.tobytes()


@pytest.fixture
def design(tiny_spec):
    spec = load_spec(tiny_spec())
    return make_design(spec)


def board_of(design, **changes):
    """A board with this design, its accelerator, and a port to it."""
    params = top_params(design, clock_hz=25_000_000, divisor=25)
    identity = Identity(**{**vars(params.identity), **changes})
    device = Device(identity=identity)
    accelerator = GoldenAccelerator(design, device.memory)
    device.registers = accelerator
    return device, accelerator


def driver_of(design, port, limit_seconds=10.0):
    link = Link(port, timing=LinkTiming(attempts=50), session=1, now=port.now)
    return Driver(link, design, limit_seconds=limit_seconds)


def batches_of(design, seed, num):
    rng = np.random.default_rng(seed)
    return [
        {t.name: rng.integers(-128, 128, t.shape, dtype=np.int8) for t in design.graph.inputs}
        for _ in range(num)
    ]


def judge(design, driver, batches):
    return verdict(design, driver, batches, tuple(driver.run(batch) for batch in batches))


def verdict(design, driver, batches, starts):
    run = BoardRun(
        starts=starts, load_seconds=0.1, total_seconds=0.2, statistics=driver.link.statistics
    )
    board = load_board("ulx3s-85f")
    return board_verdict(
        design, board, batches, run, count=len(batches) * design.batch, where="a test"
    )


@pytest.mark.parametrize("program", ["rom", "ram"])
def test_runs_and_agrees(tiny_spec, program):
    spec = load_spec(tiny_spec(program=program))
    design = make_design(spec, batch=4)
    device, accelerator = board_of(design)
    driver = driver_of(design, DevicePort(device))
    driver.open()
    assert driver.load_constants() > 0
    result = judge(design, driver, batches_of(design, 1, 3))
    assert result.ok, result.table()
    assert accelerator.starts == 3
    assert bool(accelerator.program) == (program == "ram")
    assert result.to_json()["values"] == 3 * 4 * 3
    assert "PASSED" in result.table()


def test_runs_over_a_damaged_line(design):
    device, accelerator = board_of(design)
    port = DevicePort(device, rates=MILD, late=0.02, seed=4)
    driver = driver_of(design, port)
    driver.open()
    driver.load_constants()
    result = judge(design, driver, batches_of(design, 2, 10))
    assert result.ok, result.table()
    assert accelerator.starts == 10
    assert driver.link.statistics.repeats > 0


def test_a_wrong_value_fails_with_its_place(design):
    device, accelerator = board_of(design)

    def change(outputs):
        name = design.graph.outputs[0].name
        values = outputs[name].copy()
        values[2, 1] ^= 1
        return {**outputs, name: values}

    accelerator.change = change
    driver = driver_of(design, DevicePort(device))
    driver.open()
    driver.load_constants()
    result = judge(design, driver, batches_of(design, 1, 1))
    assert not result.ok
    assert "[2, 1]: expected" in result.table()
    assert result.to_json()["golden_mismatches"] == 1


def test_one_cycle_more_fails(design):
    device, accelerator = board_of(design)
    accelerator.cycles += 1
    driver = driver_of(design, DevicePort(device))
    driver.open()
    driver.load_constants()
    result = judge(design, driver, batches_of(design, 1, 1))
    assert (result.ok, result.to_json()["difference"]) == (False, 1)


def test_a_cycle_more_and_one_less_fail(design):
    device, accelerator = board_of(design)
    driver = driver_of(design, DevicePort(device))
    driver.open()
    driver.load_constants()
    batches, right = batches_of(design, 1, 2), accelerator.cycles
    starts = []
    for batch, change in zip(batches, (1, -1), strict=True):
        accelerator.cycles = right + change
        starts.append(driver.run(batch))
    result = verdict(design, driver, batches, tuple(starts))
    assert (result.ok, result.to_json()["difference"]) == (False, 0)
    assert f"{right - 1:,} to {right + 1:,} per start" in result.table()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"spec_hash": 1}, "it is 00000001, this spec is "),
        ({"memory_bytes": 64}, "it has 64 bytes of memory, this spec needs "),
        ({"unit_bytes": 2}, "its memory port has 2 bytes, this spec has 4"),
    ],
    ids=str,
)
def test_another_design_is_refused_before_anything_is_written(design, changes, told):
    """What differs is told, and nothing that does not."""
    device, _ = board_of(design, **changes)
    with pytest.raises(WrongDesignError, match=f"another design: {told}") as error:
        driver_of(design, DevicePort(device)).open()
    assert ";" not in str(error.value).partition("another design")[2].partition("help")[0]
    assert device.num_executed == 0


def test_a_run_that_a_killed_host_left_is_waited_for(design):
    device, accelerator = board_of(design)
    accelerator.values["status"] = BUSY
    accelerator.polls_left = 5
    driver_of(design, DevicePort(device)).open()
    assert device.num_resets == 0


def test_an_accelerator_that_hangs_is_reset(design, monkeypatch):
    monkeypatch.setattr("tilewright.flow.board_driver.IDLE_SECONDS", 0.0)
    device, accelerator = board_of(design)
    accelerator.values["status"] = BUSY
    accelerator.polls_left = 10**9
    driver_of(design, DevicePort(device)).open()
    assert device.num_resets == 1


def test_a_start_that_never_ends_is_an_error(design):
    device, accelerator = board_of(design)
    driver = driver_of(design, DevicePort(device), limit_seconds=0.0)
    driver.open()
    accelerator._compute = lambda: setattr(accelerator, "polls_left", 10**9)
    with pytest.raises(BoardRunError, match="not done after"):
        driver.run(batches_of(design, 1, 1)[0])
    assert device.num_resets == 1


def test_errors_of_the_accelerator_are_told(design):
    device, accelerator = board_of(design)
    driver = driver_of(design, DevicePort(device))
    driver.open()
    accelerator._compute = lambda: accelerator.values.update(status=DONE | 4, errors=2)
    with pytest.raises(BoardRunError, match="errors 0x2"):
        driver.run(batches_of(design, 1, 1)[0])
