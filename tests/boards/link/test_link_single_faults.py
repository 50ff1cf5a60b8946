"""The host link with one fault at a time, each by hand."""

import pytest
from tilewright.boards.link.device import Device
from tilewright.boards.link.faults import DevicePort, FaultRates
from tilewright.boards.link.frames import FrameDecoder, encode_frame
from tilewright.boards.link.host import LinkError, LinkLostError, LinkTiming, NoAnswerError
from tilewright.boards.link.messages import Identity, Operation, Request, Response, Status


class Scripted(DevicePort):
    """Damages the bytes of single writes: `change(number, wire)` gives what arrives."""

    def __init__(self, device, change, change_answer=lambda number, wire: wire):
        super().__init__(device)
        self.number = 0
        self.change, self.change_answer = change, change_answer

    def write(self, data):
        answer = self.device.take(self.change(self.number, data))
        self._coming += self.change_answer(self.number, answer)
        self.number += 1


def test_a_lost_answer_does_not_start_twice(board, link_to):
    device, registers = board
    lost = Scripted(device, lambda n, wire: wire, lambda n, wire: b"" if n in (1, 2) else wire)
    link = link_to(lost)
    link.open()
    link.write_registers(0, [1])
    assert (registers.starts, link.statistics.repeats) == (1, 2)


def test_a_doubled_request_does_not_start_twice(board, link_to):
    device, registers = board
    link = link_to(Scripted(device, lambda n, wire: wire * 3))
    link.open()
    link.write_registers(0, [1])
    link.write_registers(0, [1])
    assert registers.starts == 2
    assert link.statistics.foreign_frames > 0  # the answers to the copies


def test_a_late_answer_is_not_taken_for_the_next_one(board, link_to):
    """The answer to a read comes after the host has asked again, then a second time."""
    device, _ = board
    answers = []

    def later(number, wire):
        answers.append(wire)
        return answers[number - 1] if number else wire

    device.memory[:32] = bytes(range(32))
    port = Scripted(device, lambda n, wire: wire, later)
    link = link_to(port)
    link.open()
    assert link.read_memory(0, 16) == bytes(range(16))
    assert link.read_memory(16, 16) == bytes(range(16, 32))
    assert link.statistics.foreign_frames > 0


def test_a_write_is_not_done_again_when_its_copy_comes_late(board, link_to):
    """A repeated write that arrives after another host's bytes would undo them: it is refused."""
    device, _ = board
    first = link_to(DevicePort(device), session=7)
    first.open()
    first.write_memory(0, b"old " * 4)
    wire = encode_frame(
        Request(
            operation=Operation.WRITE_MEMORY, session=7, sequence=1, address=0, count=16,
            data=b"old " * 4,
        ).encode()
    )  # fmt: skip
    second = link_to(DevicePort(device), session=8)
    second.open()
    second.write_memory(0, b"new " * 4)
    answer = FrameDecoder().feed(device.take(wire))
    assert Response.decode(answer[0]).status == Status.NO_SESSION
    assert bytes(device.memory[:16]) == b"new " * 4


def test_a_request_that_lacks_its_last_flag_is_executed_once_before_the_next_host(board, link_to):
    """A host was killed one byte too early: all that it had to say was said."""
    device, registers = board
    first = link_to(DevicePort(device), session=7)
    first.open()
    start = Request(
        operation=Operation.WRITE_REGISTERS, session=7, sequence=1, address=0, count=4, data=b"1234"
    )
    assert device.take(encode_frame(start.encode())[:-1]) == b""
    assert registers.starts == 0
    second = link_to(DevicePort(device), session=8)
    second.open()
    assert registers.starts == 1
    second.write_registers(0, [1])
    assert registers.starts == 2


def test_a_request_out_of_order_is_refused(board, link_to):
    device, registers = board
    link = link_to(DevicePort(device))
    link.open()
    link.write_registers(4, [5])
    link._sequence += 1
    with pytest.raises(LinkLostError, match="no longer knows"):
        link.write_registers(0, [1])
    assert registers.starts == 0


def test_a_board_that_was_reset_is_noticed(board, link_to):
    device, registers = board
    port = DevicePort(device)
    link = link_to(port)
    link.open()
    port.device = Device(identity=device.identity, registers=registers)
    with pytest.raises(LinkLostError, match="reset"):
        link.write_registers(0, [1])
    assert registers.starts == 0


def test_a_silent_board_is_an_error_with_the_number_of_attempts(board, link_to):
    device, _ = board
    port = DevicePort(device, rates=FaultRates(drop=1.0))
    with pytest.raises(NoAnswerError, match="60 attempts"):
        link_to(port).open()
    assert port.seconds == pytest.approx(60 * LinkTiming().seconds(17 + 32 + 16), rel=0.1)


def test_an_echo_is_no_board(board, link_to):
    """Receive wired to transmit: the host hears itself."""

    class Echo(DevicePort):
        def write(self, data):
            self._coming += data

    device, _ = board
    with pytest.raises(NoAnswerError):
        link_to(Echo(device)).open()


def test_another_protocol_is_an_error(board, link_to):
    device, _ = board
    device.identity = Identity(
        unit_bytes=16, spec_hash=1, memory_bytes=4096, register_bytes=64, clock_hz=1
    )
    wire = device.identity.encode()
    device._hello = lambda request: (Status.OK, b"?" + wire[1:])
    with pytest.raises(LinkError, match="version of the protocol"):
        link_to(DevicePort(device)).open()
