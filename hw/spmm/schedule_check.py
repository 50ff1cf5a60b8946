"""Proves a static schedule: replays it, entry by entry, in code that the scheduler shares not.

A schedule is right if every entry goes once, in its lane; no lane takes two entries and no bank is
read twice in a cycle; a bank that is read holds what the entry needs; a lane has at most two open
rows, each with an accumulator of its own until it closes; and the pieces of a row are the ends of
neighbouring lanes, each of which sends to the one before and waits for the one behind it.
"""

from collections import defaultdict
from collections.abc import Iterator

from .schedule import Schedule


def schedule_problems(schedule: Schedule) -> list[str]:
    """What is wrong with the schedule; nothing if it is right."""
    found = list(_placement_problems(schedule))
    found += _piece_problems(schedule)
    return found or [*_cycle_problems(schedule), *_accumulator_problems(schedule)]


def _placement_problems(schedule: Schedule) -> Iterator[str]:
    placement = schedule.placement
    owner: dict[tuple[int, int], int] = {}
    for row in range(len(placement.first) - 1):
        for at in range(placement.first[row], placement.first[row + 1]):
            place = (int(placement.banks[at]), int(placement.slots[at]))
            if not 0 <= place[0] < placement.num_banks or place[1] < 0:
                yield f"row {row} of B lies at {place}, there are {placement.num_banks} banks"
            if place in owner:
                yield f"rows {owner[place]} and {row} of B both lie in bank, slot {place}"
            owner[place] = row


def _piece_problems(schedule: Schedule) -> Iterator[str]:
    """Pieces are runs of one row, one after another; rows go on from lane to lane."""
    pieces, rows = schedule.pieces, schedule.entries.rows.tolist()
    expected, last_lane = 0, -1
    for piece in range(pieces.num):
        start, end = int(pieces.starts[piece]), int(pieces.ends[piece])
        lane = next(n for n in range(schedule.lanes) if piece < pieces.first[n + 1])
        if start != expected or end <= start or len(set(rows[start:end])) != 1:
            yield f"piece {piece} has the entries {start}..{end - 1}"
            return
        continues = start > 0 and rows[start - 1] == rows[start]
        goes_on = end < len(rows) and rows[end] == rows[start]
        if continues and lane != last_lane + 1:
            yield f"piece {piece}: its row comes from lane {last_lane} to lane {lane}"
        if bool(pieces.sends[piece]) != continues or bool(pieces.waits[piece]) != goes_on:
            yield f"piece {piece}: sends {pieces.sends[piece]}, waits {pieces.waits[piece]}"
        expected, last_lane = end, lane
    if expected != len(rows):
        yield f"the pieces have {expected} of {len(rows)} entries"


def _cycle_problems(schedule: Schedule) -> Iterator[str]:
    """One entry per lane, one read per bank in a cycle."""
    placement = schedule.placement
    lane_busy: dict[tuple[int, int], int] = {}
    bank_busy: dict[tuple[int, int], int] = {}
    for entry in range(schedule.entries.num):
        cycle, bank = int(schedule.cycles[entry]), int(schedule.banks[entry])
        lane, column = int(schedule.lane_of_entries[entry]), int(schedule.entries.columns[entry])
        if not 0 <= cycle < schedule.num_cycles:
            yield f"entry {entry} goes in cycle {cycle} of {schedule.num_cycles}"
        for busy, key, what in ((lane_busy, lane, "lane"), (bank_busy, bank, "bank")):
            if (cycle, key) in busy:
                other = busy[cycle, key]
                yield f"cycle {cycle}: entries {other} and {entry} both need {what} {key}"
            busy[cycle, key] = entry
        homes = placement.banks[placement.first[column] : placement.first[column + 1]]
        if bank not in homes.tolist():
            yield f"entry {entry} reads row {column} of B from bank {bank}, it lies in {homes}"


def _accumulator_problems(schedule: Schedule) -> Iterator[str]:
    """A piece has one accumulator from its first entry to its last, and no other piece has it."""
    held: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for piece in range(schedule.pieces.num):
        entries = range(int(schedule.pieces.starts[piece]), int(schedule.pieces.ends[piece]))
        cycles = [int(schedule.cycles[entry]) for entry in entries]
        numbers = {int(schedule.accumulators[entry]) for entry in entries}
        if len(numbers) != 1 or not numbers <= {0, 1}:
            yield f"piece {piece} is added up in the accumulators {sorted(numbers)}"
        lane = int(schedule.lane_of_entries[entries[0]])
        held[lane, min(numbers)].append((min(cycles), max(cycles), piece))
        for entry, cycle in zip(entries, cycles, strict=True):
            if bool(schedule.are_first[entry]) != (cycle == min(cycles)):
                yield f"entry {entry}: first is {schedule.are_first[entry]}"
            if bool(schedule.are_closing[entry]) != (cycle == max(cycles)):
                yield f"entry {entry}: closing is {schedule.are_closing[entry]}"
    for (lane, number), spans in held.items():
        for before, after in zip(sorted(spans), sorted(spans)[1:], strict=False):
            if after[0] <= before[1]:
                yield f"lane {lane}: pieces {before[2]} and {after[2]} share accumulator {number}"
