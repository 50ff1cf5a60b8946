"""Parts of the top-k template: networks, laws by hand, packing, the choice of an engine."""

import itertools
import math

import numpy as np
import pytest
from tilewright.hw.topk import choice, queue_cost
from tilewright.hw.topk.bitonic_params import bitonic_params
from tilewright.hw.topk.cost import kernel_cycles
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.mapping import input_words, output_words, packet_of, unpack_pairs
from tilewright.hw.topk.network import merge_stages, sort_stages
from tilewright.hw.topk.params import CAPACITY, ORDERS, TopKParams

from tilewright.build.verilog import emit
from tilewright.flow.topk_cases import params_of as params_of_section
from tilewright.flow.topk_cases import random_packet, selected
from tilewright.spec import SpecError, spec_from_data
from tilewright.spec.numbers import NumberFormat
from tilewright.spec.sections.topk import CAPACITIES, ENGINE_ORDERS

SEED = 5


def params_of(engine, lanes=1, k_max=8, max_words=64, bits=8, **changes) -> TopKParams:
    key = NumberFormat(bits)
    return TopKParams(
        engine=engine, lanes=lanes, key=key, k_max=k_max, max_words=max_words, **changes
    )


def through(stages, values):
    """Values after the comparators of a network."""
    values = list(values)
    for stage in stages:
        wires = [wire for pair in stage for wire in pair]
        assert len(set(wires)) == len(wires), "a stage uses a wire twice"
        for i, j in stage:
            values[i], values[j] = max(values[i], values[j]), min(values[i], values[j])
    return values


@pytest.mark.parametrize("num", range(1, 11))
def test_sorting_network_sorts_all_zeros_and_ones(num):
    """By the 0-1 principle it then sorts everything."""
    stages = sort_stages(num)
    t = (num - 1).bit_length()
    assert len(stages) == t * (t + 1) // 2
    for values in itertools.product((0, 1), repeat=num):
        assert through(stages, values) == sorted(values, reverse=True)


def test_sorting_networks_known_sizes():
    """Comparators of merge exchange: Knuth 5.2.2, C(16) = 63 (bitonic sorting takes 80)."""
    assert [sum(map(len, sort_stages(n))) for n in (2, 4, 8, 16)] == [1, 5, 19, 63]


def test_merging_network_sorts_every_valley():
    for num in range(1, 34):
        stages, order = merge_stages(num)
        assert len(stages) == (num - 1).bit_length()
        for low in range(num + 1):
            for high in range(low, num + 1):
                valley = [1] * low + [0] * (high - low) + [1] * (num - high)
                merged = through(stages, valley)
                assert [merged[wire] for wire in order] == sorted(valley, reverse=True)


def test_law_of_the_shift_queue_by_hand():
    """n + k + 2; behind each other, a packet's results leave while the next one's keys come."""
    params = params_of("shift_queue", k_max=64, max_words=1024)
    keys = list(range(-100, 100))
    assert kernel_cycles(params, [packet_of(params, keys, 64)]) == 200 + 64 + 2
    assert kernel_cycles(params, [packet_of(params, keys, 0)]) == 200 + 1 + 2
    assert kernel_cycles(params, [packet_of(params, [], 9)]) == 1 + 1 + 2
    two = [packet_of(params, keys, 64)] * 2
    assert kernel_cycles(params, two) == 400 + 64 + 2
    small = [packet_of(params, keys, 64), packet_of(params, keys[:10], 64)]
    assert kernel_cycles(params, small) == 200 + 64 + 10 + 2  # the second waits for the first


def test_law_of_the_filtered_queue_by_hand():
    params = params_of("filtered_queue", lanes=4, k_max=2, max_words=100)
    # The first word has two that enter and two that come before the threshold is known; the rest
    # of the words have none: a cycle each. Then: register, item, two results, FIFO.
    falling = list(range(100, 60, -1))
    words = 10
    assert kernel_cycles(params, [packet_of(params, falling, 2)]) == words + 3 + 1 + 1 + 2 + 1
    rising = list(range(40))
    cycles = kernel_cycles(params, [packet_of(params, rising, 2)])
    assert cycles == 40 + 1 + 1 + 2 + 1
    assert cycles <= queue_cost.filtered_queue_bound(params, words)


def test_no_keys_take_the_filtered_queue_longer_than_its_bound():
    rng = np.random.default_rng(SEED)
    params = params_of("filtered_queue", lanes=5, k_max=6, max_words=12, bits=5)
    for _ in range(300):
        packet = random_packet(params, rng)
        bound = queue_cost.filtered_queue_bound(params, packet.num_words(params))
        assert kernel_cycles(params, [packet]) <= bound, (SEED, packet)


def test_random_keys_enter_a_filtered_queue_as_often_as_records_are_set():
    """Of n random keys k (1 + H(n) - H(k)) are among the best k when they come; each costs a cycle
    beyond its word's, and some more come before the threshold follows.
    """
    lanes, num_words, k, trials = 16, 64, 8, 40
    params = params_of("filtered_queue", lanes=lanes, k_max=k, max_words=num_words, bits=24)
    n = lanes * num_words
    entries = k * (1 + sum(1 / i for i in range(k + 1, n + 1)))
    assert math.isclose(entries, k * (1 + math.log(n / k)), rel_tol=0.02)
    rng = np.random.default_rng(SEED)
    low, high = params.key.minimum, params.key.maximum
    cycles = [
        kernel_cycles(params, [packet_of(params, rng.integers(low, high, n).tolist(), k)])
        for _ in range(trials)
    ]
    mean = float(np.mean(cycles)) - k - 3
    assert num_words < mean < num_words + entries + 8, (SEED, mean, entries)


def test_law_of_merges_does_not_depend_on_keys():
    params = params_of("bitonic_merge", lanes=8, k_max=12, max_words=64)
    sizes = bitonic_params(params)
    assert (sizes.sorter.latency, sizes.merger.latency, sizes.num_slots) == (6, 4, 5)
    # One word: network, FIFO, one round, register of results, FIFO.
    single = kernel_cycles(params, [packet_of(params, [3] * 8, 8)])
    assert single == 1 + sizes.sorter.latency + 1 + sizes.num_slots + 2
    rng = np.random.default_rng(SEED)
    keys = rng.integers(-128, 128, 512).tolist()
    packets = [packet_of(params, some, 12) for some in (keys, sorted(keys), [7] * 512)]
    assert len({kernel_cycles(params, [packet]) for packet in packets}) == 1


def test_words_of_pairs_and_back():
    rng = np.random.default_rng(SEED)
    params = params_of("bitonic_merge", lanes=5, k_max=7, max_words=9)
    for _ in range(50):
        packet = random_packet(params, rng)
        indices = selected(params, packet)
        words = output_words(params, packet, indices)
        assert unpack_pairs(params, words) == [(packet.keys[i], i) for i in indices]
        assert [word >> params.output_bits for word in words] == [0] * (len(words) - 1) + [1]
        assert len(input_words(params, packet)) == packet.num_words(params)


def test_order_index_leaves_a_word_per_word():
    params = params_of("radix_select", lanes=2, k_max=4, max_words=4, order="index")
    packet = packet_of(params, [5, 1, 2, 9, 4], 2)
    words = output_words(params, packet, selected(params, packet))
    assert len(words) == 3
    assert unpack_pairs(params, words) == [(5, 0), (9, 3)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 2}, "lanes: 1 with shift_queue"),
        ({"order": "mask"}, "order: shift_queue offers rank"),
        ({"k_max": 65}, "k_max: at most 64 here"),
        ({"k_max": 1025, "max_words": 4096}, "k_max: at most 1024 here"),
        ({"k_max": 0}, "k_max: at least 1"),
        ({"max_words": (1 << 32) + 1}, "at most 2\\*\\*32 keys"),
        ({"engine": "heap"}, "engine: one of shift_queue"),
        ({"engine": "bitonic_merge", "lanes": 129}, "lanes: at most 128"),
        ({"digit_bits": 9}, "digit_bits: at most 8"),
    ],
)
def test_parameters_that_make_no_hardware(changes, message):
    with pytest.raises(ValueError, match=message):
        params_of(**{"engine": "shift_queue", **changes})


def test_a_packet_that_does_not_fit_is_refused():
    params = params_of("shift_queue", max_words=4, k_max=2)
    with pytest.raises(ValueError, match="5 words, at most 4"):
        packet_of(params, [1] * 5, 1)
    with pytest.raises(ValueError, match="a key of int8, got 128"):
        packet_of(params, [128], 1)
    with pytest.raises(ValueError, match="1 keys and 2 valid flags"):
        packet_of(params, [1], 1, [True, True])


def test_spec_and_hardware_say_the_same_of_engines():
    """The spec layer imports nothing of ours, so it has tables of its own."""
    assert {name: orders for name, orders in ENGINE_ORDERS.items() if name != "auto"} == ORDERS
    assert {**CAPACITIES, "radix_select": 1 << 32} == CAPACITY


def section_of(**keys):
    """The section of a kernel spec."""
    data = {"tilewright": 1, "name": "best", "kernel": {"template": "topk", **keys}}
    return spec_from_data(data).kernel


def test_auto_takes_the_smallest_engine_that_is_fast_enough():
    few = {"k_max": 8, "max_keys": 512, "key": "int8"}
    assert params_of_section(section_of(lanes=1, rate=1, **few)).engine == "shift_queue"
    # Several keys per cycle: the filter passes random keys, but not ascending ones.
    wide = {"lanes": 8, "rate": 4, **few}
    assert params_of_section(section_of(rate_keys="random", **wide)).engine == "filtered_queue"
    assert params_of_section(section_of(**wide)).engine == "bitonic_merge"
    assert params_of_section(section_of(order="mask", **wide)).engine == "radix_select"


def test_auto_is_the_minimum_of_the_law():
    """Tried with other code: all engines that can be built, their rates, the smallest area."""
    parameters = {
        "lanes": 4, "key": NumberFormat(6), "k_max": 5, "max_words": 40, "order": "rank"
    }  # fmt: skip
    engines = choice.possible(parameters)
    assert {p.engine for p in engines} == {"filtered_queue", "bitonic_merge"}
    known = {c.params.engine: c for c in choice.candidates(engines, "any")}
    assert known["filtered_queue"].keys_per_cycle <= 1 < known["bitonic_merge"].keys_per_cycle
    assert known["filtered_queue"].lut < known["bitonic_merge"].lut
    assert choice.cheapest(engines, 1.5, "any").engine == "bitonic_merge"
    assert choice.cheapest(engines, 0, "any").engine == "filtered_queue"


def test_auto_tells_when_no_engine_is_fast_enough():
    with pytest.raises(SpecError, match=r"kernel.rate: no engine takes 8 keys per cycle here"):
        params_of_section(section_of(lanes=8, rate=8, k_max=8, max_keys=64))


def test_parts_that_repeat_are_one_module():
    """However many entries or comparators there are."""
    text = emit(TopKKernel(params_of("shift_queue", k_max=40)), "best")
    assert text.count("module best_queue_entry(") == 1
    text = emit(TopKKernel(params_of("bitonic_merge", lanes=4, k_max=6)), "best")
    assert text.count("module best_exchange(") == 1
