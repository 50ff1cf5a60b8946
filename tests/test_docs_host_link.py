"""docs/host-link.md says what the link does."""

import re
from pathlib import Path

from tilewright.boards.link.frames import MAX_BODY_BYTES
from tilewright.boards.link.messages import (
    HEADER_BYTES,
    MAX_DATA_BYTES,
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    Identity,
    Operation,
    Status,
)
from tilewright.boards.top.cost import MEMORY_LATENCY
from tilewright.boards.top.params import BUFFER_BYTES

TEXT = (Path(__file__).parent.parent / "docs" / "host-link.md").read_text()


def first_cells(heading: str) -> list[str]:
    """First cells of the rows of the table that begins with this cell."""
    rows = TEXT[TEXT.index(f"| {heading} | |") :].split("\n\n")[0].splitlines()
    return [row.split("|")[1].strip() for row in rows[2:]]


def test_operations() -> None:
    numbers = [int(n) for cell in first_cells("operation") for n in cell.split(",")]
    assert numbers == [int(operation) for operation in Operation]


def test_statuses() -> None:
    assert [int(cell) for cell in first_cells("status")] == [int(status) for status in Status]


def test_sizes() -> None:
    identity = Identity(unit_bytes=1, spec_hash=0, memory_bytes=1, register_bytes=1, clock_hz=1)
    assert f"answers {len(identity.encode())} bytes of identity" in TEXT
    assert f"Bodies** have at most {MAX_BODY_BYTES} bytes" in TEXT
    assert f"received frame of up to {BUFFER_BYTES} bytes" in TEXT
    assert f"up to {MAX_DATA_BYTES} bytes" in TEXT
    assert f"protocol's version, {PROTOCOL_VERSION};" in TEXT
    assert f"operation + {RESPONSE_BIT:x} (hexadecimal)" in TEXT
    assert f"first beat {MEMORY_LATENCY} cycles after" in TEXT
    # Flags and CRC twice, a request's header, an answer's six bytes.
    assert f"take {2 * 6 + HEADER_BYTES + 6} bytes more than their data" in TEXT


def test_parts_exist() -> None:
    folder = Path(__file__).parent.parent / "boards" / "top"
    named = re.findall(r"`([a-z_]+\.py)`", TEXT)
    assert len(named) > 5
    for name in named:
        assert (folder / name).exists(), name
