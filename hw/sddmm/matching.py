"""Which lane reads which bank in one slot: as many lanes as can be served. Pure."""

from collections.abc import Sequence


def match(
    order: Sequence[int],
    choices: Sequence[Sequence[int]],
    bank: Sequence[Sequence[int]],
    column: Sequence[Sequence[int]],
) -> dict[int, int]:
    """The place that each served lane computes.

    `order` are the lanes that want one, the most urgent first; `choices[lane]` their places, the
    dearest first; place p of a lane wants row `column[lane][p]` of `bank[lane][p]`, or nothing
    (bank -1). Lanes that want the same row share a bank. Lanes give way to others along
    alternating paths, as in Kuhn's algorithm for the largest matching; those that share do not.
    """
    matching = _Matching(choices, bank, column)
    for lane in order:
        matching.serve(lane, set())
    return matching.chosen


class _Matching:
    def __init__(
        self,
        choices: Sequence[Sequence[int]],
        bank: Sequence[Sequence[int]],
        column: Sequence[Sequence[int]],
    ) -> None:
        self.choices, self.bank, self.column = choices, bank, column
        self.owner: dict[int, int] = {}  # lane that a bank serves
        self.shared: set[int] = set()  # banks that serve several
        self.chosen: dict[int, int] = {}

    def serve(self, lane: int, tried: set[int]) -> bool:
        """Give a bank to a lane, which may push others to another one of theirs."""
        bank, column = self.bank[lane], self.column[lane]
        for place in self.choices[lane]:
            wanted = bank[place]
            if wanted < 0:
                self.chosen[lane] = place
                return True
            if wanted in tried:  # its lane is about to give way
                continue
            owner = self.owner.get(wanted)
            if owner is not None and self._is_same(owner, column[place]):
                self.shared.add(wanted)
                self.chosen[lane] = place
                return True
            if wanted in self.shared:
                continue
            tried.add(wanted)
            if owner is None or self.serve(owner, tried):
                self.owner[wanted] = lane
                self.chosen[lane] = place
                return True
        return False

    def _is_same(self, owner: int, column: int) -> bool:
        return self.column[owner][self.chosen[owner]] == column
