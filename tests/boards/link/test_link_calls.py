"""The host link without faults: what it does, and what a board refuses."""

import random

import pytest
from tilewright.boards.link.faults import DevicePort
from tilewright.boards.link.host import LinkError, LinkRefusedError
from tilewright.boards.link.messages import Request


def test_reads_what_it_wrote(board, link_to):
    device, registers = board
    link = link_to(DevicePort(device))
    assert link.open() == device.identity
    data = random.Random(1).randbytes(4096)
    link.write_memory(0, data)
    assert bytes(device.memory) == data
    assert link.read_memory(16, 4080) == data[16:]
    link.write_registers(0, [1, 2, 3])
    assert (registers.starts, link.read_registers(0, 3)) == (1, (1, 2, 3))
    assert link.state().bad_frames == 0
    link.reset()
    assert device.num_resets == 1
    assert link.statistics.repeats == link.statistics.bad_frames == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda link: link.write_memory(8, bytes(16)), "refused"),
        (lambda link: link.write_memory(0, bytes(8)), "refused"),
        (lambda link: link.write_memory(4096, bytes(16)), "refused"),
        (lambda link: link.read_memory(4080, 32), "refused"),
        (lambda link: link.read_registers(2), "refused"),
        (lambda link: link.write_registers(0xFFFF_FFFC, [1]), "refused"),
        (lambda link: link.read_registers(32), "answered with an error"),
        (lambda link: link.write_registers(28, [1, 2]), "answered with an error"),
    ],
)
def test_what_a_board_refuses(call, text, board, link_to):
    device, _ = board
    link = link_to(DevicePort(device))
    link.open()
    before = bytes(device.memory)
    with pytest.raises(LinkRefusedError, match=text):
        call(link)
    assert bytes(device.memory) == before
    link.write_memory(0, bytes(range(16)))  # and the next request works
    assert link.read_memory(0, 16) == bytes(range(16))


def test_nothing_is_sent_before_the_session(board, link_to):
    device, _ = board
    with pytest.raises(LinkError, match="not open"):
        link_to(DevicePort(device)).read_memory(0, 16)


def test_sequence_numbers_wrap(board, link_to):
    device, registers = board
    link = link_to(DevicePort(device))
    link.open()
    link._sequence = 0xFFF0
    device._last = Request(operation=1, session=link._session, sequence=0xFFF0)
    for value in range(40):
        link.write_registers(4, [value])
        assert link.read_registers(4) == (value,)
    assert registers.starts == 0
