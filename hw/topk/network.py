"""Sorting and merging networks as lists of stages of comparators. Pure.

A comparator (i, j) puts the larger of wires i and j on i and the smaller on j; the comparators of a
stage share no wire.
"""

Stage = tuple[tuple[int, int], ...]


def sort_stages(num: int) -> tuple[Stage, ...]:
    """Sorts any `num` wires, the largest on wire 0, in t(t+1)/2 stages, t = ceil(log2 num).

    Batcher's merge exchange: D. E. Knuth, The Art of Computer Programming 3, 5.2.2, Algorithm M.
    """
    top = 1 << max(0, (num - 1).bit_length() - 1)
    stages = []
    p = top if num > 1 else 0
    while p:
        q, start, distance = top, 0, p
        while True:
            pairs = ((i, i + distance) for i in range(num - distance) if i & p == start)
            stages.append(tuple(pairs))
            if q == p:
                break
            distance, q, start = q - p, q >> 1, p
        p >>= 1
    return tuple(stages)


def merge_stages(num: int) -> tuple[tuple[Stage, ...], tuple[int, ...]]:
    """Sorts `num` wires whose values first fall and then rise, in ceil(log2 num) stages.

    Batcher's bitonic merge of the next power of two, whose wires beyond `num` carry a value above
    all others: comparators with them are mere renamings. Returns the stages and the wire on which
    each rank leaves.
    """
    size = 1 << (num - 1).bit_length()
    wires: list[int | None] = [*range(num), *[None] * (size - num)]
    stages = []
    distance = size >> 1
    while distance:
        pairs = []
        for i in range(size):
            if i & distance:
                continue
            above, below = wires[i], wires[i + distance]
            if above is not None and below is not None:
                pairs.append((above, below))
            elif below is None:
                wires[i], wires[i + distance] = None, above
        stages.append(tuple(pairs))
        distance >>= 1
    return tuple(stages), tuple(wire for wire in wires if wire is not None)
