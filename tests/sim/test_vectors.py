"""Vectors: same seed, same words; patterns do what they say."""

import itertools

import numpy as np
import pytest
from tilewright.sim.vectors import (
    LONG_PAUSE,
    STALL_CYCLES,
    STANDARD_STALLS,
    StallPattern,
    pack_words,
    random_words,
)


@pytest.mark.parametrize("stalls", STANDARD_STALLS, ids=lambda stalls: stalls.kind)
def test_patterns_are_reproducible_and_never_stall_for_ever(stalls: StallPattern) -> None:
    bits = stalls.bits()
    assert bits.shape == (STALL_CYCLES,)
    assert (bits == stalls.bits()).all()
    assert not bits.all()
    assert list(itertools.islice(stalls.cycles(), STALL_CYCLES + 3)) == [
        *bits.tolist(),
        *bits[:3].tolist(),
    ]


def test_shares_of_stalled_cycles() -> None:
    assert not StallPattern(kind="none").bits().any()
    assert StallPattern(kind="one_in_four").bits().mean() == 0.75
    assert abs(StallPattern(kind="random", seed=3, probability=0.3).bits().mean() - 0.3) < 0.05


def test_long_pauses() -> None:
    bits = StallPattern(kind="long", seed=5, longest_cycles=20).bits().tolist()
    runs = [len(list(group)) for is_stalled, group in itertools.groupby(bits) if is_stalled]
    assert max(runs) > 10
    assert max(runs) <= 20


@pytest.mark.parametrize("stalls", [*STANDARD_STALLS, LONG_PAUSE], ids=lambda stalls: stalls.kind)
def test_runs_are_the_pattern(stalls: StallPattern) -> None:
    spread = [flag for flag, count in stalls.runs() for _ in range(min(count, STALL_CYCLES))]
    assert spread[:STALL_CYCLES] == stalls.bits().tolist()
    assert all(count >= 1 for _, count in stalls.runs())


@pytest.mark.parametrize("is_repeated", [False, True])
def test_a_pause_of_ten_thousand_cycles(is_repeated: bool) -> None:
    stalls = StallPattern(kind="pause", before_cycles=7, is_repeated=is_repeated)
    again = ([True] if is_repeated else [False]) * 20
    expected = [False] * 7 + [True] * 10_000 + [False] * 7 + again
    assert list(itertools.islice(stalls.cycles(), len(expected))) == expected
    assert stalls.bits(len(expected)).tolist() == expected
    assert LONG_PAUSE.pause_cycles == 10_000


def test_seeds_differ() -> None:
    first, second = (StallPattern(kind="random", seed=seed).bits() for seed in (1, 2))
    assert (first != second).any()
    assert random_words(1, 16, 50) != random_words(2, 16, 50)
    assert random_words(1, 16, 50) == random_words(1, 16, 50)


@pytest.mark.parametrize("bits", [1, 2, 8, 31, 128, 1000])
def test_words_fit_and_reach_the_extremes(bits: int) -> None:
    words = random_words(7, bits, 400)
    assert len(words) == 400
    assert all(0 <= word < 1 << bits for word in words)
    assert {0, (1 << bits) - 1, 1 << (bits - 1)} <= set(words)


SENSELESS = [
    ("probability", 1.0), ("longest_cycles", 0), ("before_cycles", 0), ("pause_cycles", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SENSELESS)
def test_senseless_patterns_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        StallPattern(**{name: value})  # type: ignore[arg-type]


def test_pack_words_puts_element_0_lowest() -> None:
    values = np.array([[1, -1, 3], [0, 127, -128]], dtype=np.int8)
    assert pack_words(values, 8) == [0x03FF01, 0x807F00]
    with pytest.raises(ValueError, match="two dimensions"):
        pack_words(values[0], 8)
