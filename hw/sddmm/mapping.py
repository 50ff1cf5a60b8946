"""Words of the sddmm template's streams: schedule, K, Q, scores. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..lib.banked_store_params import StoreParams
from .cost import PacketWork
from .deal import NOTHING, words_of_places
from .params import SddmmParams
from .schedule import Schedule

Words = list[int]


def pack_elements(values: Sequence[int] | NDArray[np.int64], bits: int) -> int:
    """Elements side by side, element 0 lowest."""
    word = 0
    for number, value in enumerate(values):
        word |= (int(value) & ((1 << bits) - 1)) << (number * bits)
    return word


def row_words(values: NDArray[np.int64], chunks: int, products: int, bits: int) -> Words:
    """The words of a row of Q or K, zeros behind its last element."""
    padded = np.zeros(chunks * products, np.int64)
    padded[: len(values)] = values
    return [pack_elements(part, bits) for part in padded.reshape(chunks, products).tolist()]


def pack_slots(params: SddmmParams, schedule: Schedule, *, keeps_keys: bool = False) -> Words:
    """The words of `a`: one per slot. `keeps_keys`: the next packet brings no K."""
    places = _places(params)
    words = []
    last = schedule.num_slots - 1
    freed = 0
    for slot in range(schedule.num_slots):
        is_last = slot == last
        fields = {
            "last_chunk": schedule.chunks - 1,
            "takes": int(schedule.takes[slot]),
            "frees": int(schedule.frees[slot]),
            "frees_keys": int(is_last and not keeps_keys),
            "last": int(is_last),
        }
        for lane in range(params.lanes):
            entry, column = _entry(params, schedule, slot, lane, freed)
            fields |= {f"{name}_{lane}": value for name, value in entry.items()}
            if column >= 0:
                bank = schedule.placement.bank[column]
                fields[f"address_{bank}"] = int(schedule.placement.address[column])
        words.append(_encode(places, fields))
        freed += int(schedule.frees[slot])
    return words


def _places(params: SddmmParams) -> dict[str, tuple[int, int]]:
    """Offset and width of each field of a word of the schedule."""
    places, offset = {}, 0
    for field in params.slot_format.fields:
        places[field.name] = offset, field.bits
        offset += field.bits
    return places


def _encode(places: dict[str, tuple[int, int]], fields: dict[str, int]) -> int:
    """A word; fields that are not given are 0."""
    word = 0
    for name, value in fields.items():
        offset, bits = places[name]
        if value >> bits:
            raise ValueError(f"{name}: {value} does not fit {bits} bits")
        word |= value << offset
    return word


def _entry(
    params: SddmmParams, schedule: Schedule, slot: int, lane: int, freed: int
) -> tuple[dict[str, int], int]:
    """What a lane does in a slot, and the row of K that it needs (-1: none)."""
    place = int(schedule.places[slot, lane])
    if place < 0:
        return {}, NOTHING
    stored = schedule.scores[lane]
    score = int(stored[place])
    is_end = int(place == len(stored) - 1)
    entry = {"is_active": 1, "position": place % params.window, "is_end": is_end}
    if score < 0:
        entry["is_row_end"] = int(not params.is_row_stream)
        return entry, NOTHING
    following = score + 1 if params.is_row_stream else _at(stored, place + 1)
    column = int(schedule.columns[score])
    row = int(schedule.rows[score])
    entry |= {
        "bank": int(schedule.placement.bank[column]),
        "query": int(schedule.queries[lane][place]) - freed,
        "row": row,
        "has_score": 1,
        "is_row_end": int(_at(schedule.rows, following) != row),
    }
    return entry, column


def _at(values: NDArray[np.int64], index: int) -> int:
    return int(values[index]) if 0 <= index < len(values) else NOTHING


def pack_keys(params: SddmmParams, schedule: Schedule, keys: NDArray[np.int64]) -> Words:
    """The words of `k` that bring the stored rows of K [columns][depth] into their banks."""
    bits = params.key_format.bits
    contents: dict[tuple[int, int], int] = {}
    for column in np.flatnonzero(schedule.placement.bank >= 0).tolist():
        words = row_words(keys[column], schedule.chunks, params.products, bits)
        for chunk, word in enumerate(words):
            contents[
                int(schedule.placement.bank[column]),
                int(schedule.placement.address[column]) + chunk,
            ] = word
    return list(load_words(params.store_params, contents))


def load_words(store: StoreParams, contents: dict[tuple[int, int], int]) -> Iterator[int]:
    """Words of the load stream for bank words by (bank, address); at least one, `last` on top."""
    queues: list[list[int]] = [[] for _ in range(store.load_words)]
    for (bank, address), word in sorted(contents.items()):
        group, member = divmod(bank, store.group)
        place = 1 << store.group_bits | member
        queues[group].append((place << store.address_bits | address) << store.word_bits | word)
    count = max(1, *map(len, queues))
    for index in range(count):
        writes = [queue[index] if index < len(queue) else 0 for queue in queues]
        total = sum(write << (number * store.write_bits) for number, write in enumerate(writes))
        is_last = int(index == count - 1)
        yield total | is_last << (store.load_words * store.write_bits)


def pack_queries(params: SddmmParams, schedule: Schedule, queries: NDArray[np.int64]) -> Words:
    """The words of `q`: row after row of all lanes, from Q [rows][depth]."""
    bits, word_bits = params.query_format.bits, params.lane_params.query_word_bits
    words = []
    for ids in schedule.query_rows.tolist():
        lanes = [
            row_words(queries[row], schedule.chunks, params.products, bits)
            if row >= 0
            else [0] * schedule.chunks
            for row in ids
        ]
        for chunk in range(schedule.chunks):
            word = pack_elements([lane[chunk] for lane in lanes], word_bits)
            is_last = chunk == schedule.chunks - 1
            words.append(word | (is_last << params.query_word_bits))
    return words


def packet_work(
    params: SddmmParams, schedule: Schedule, *, key_words: int, keeps_keys: bool = False
) -> PacketWork:
    """What the cost law must know of a packet."""
    return PacketWork(
        chunks=schedule.chunks,
        places=schedule.places.tolist(),
        takes=schedule.takes.tolist(),
        frees=schedule.frees.tolist(),
        words=words_of_places(params, schedule.rows, schedule.scores),
        key_words=key_words,
        keeps_keys=keeps_keys,
    )
