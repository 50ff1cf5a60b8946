"""How much of a unit's commands is left in hardware, given its program. Pure.

With a program in ROM, bits that are equal in all commands are constants and take nothing. With one
in RAM every bit is there.
"""

from .memory_params import QueueParams


class ProgramBits:
    """Bits of the fields of a unit's commands, as its queue hands them out."""

    def __init__(self, queue: QueueParams) -> None:
        self.queue = queue
        words = queue.initial or (0,)
        some, every = 0, ~0
        for word in words:
            some |= word
            every &= word
        offset = 0
        self._varying: dict[str, int] = {}
        self._ever: dict[str, int] = {}
        for field in queue.command_format.fields:
            mask = ((1 << field.bits) - 1) << offset
            is_fixed = queue.is_rom
            self._varying[field.name] = (
                (some & ~every & mask).bit_count() if is_fixed else field.bits
            )
            self._ever[field.name] = (some & mask).bit_count() if is_fixed else field.bits
            offset += field.bits

    def varying(self, name: str) -> int:
        """Bits of a field that differ between commands."""
        return self._varying.get(name, 0)

    def ever(self, name: str) -> int:
        """Bits of a field that are 1 in some command."""
        return self._ever.get(name, 0)

    @property
    def total(self) -> int:
        """Varying bits of all fields."""
        return sum(self._varying.values())
