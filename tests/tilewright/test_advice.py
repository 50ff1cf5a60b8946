"""What makes a design smaller: what saves most first, where that is known."""

from pathlib import Path

from tilewright.advice import ENGINE, IMAGE, NO_COUNTERS, OUTSTANDING, SCRATCHPAD, advice
from tilewright.catalog import load_spec
from tilewright.spec import AcceleratorSpec

EXAMPLES = Path(__file__).parents[2] / "examples"


def accelerator() -> AcceleratorSpec:
    spec = load_spec(EXAMPLES / "digits_mlp.yaml")
    assert isinstance(spec, AcceleratorSpec)
    return spec


def test_ram_is_the_scratchpads_without_a_board_too() -> None:
    told = advice(accelerator(), "ram_blocks")
    assert told.startswith("lower the capacity of the scratchpad; lower accumulator_rows")
    assert "memory image" not in told, "it lies in a memory of its own"


def test_a_memory_image_on_the_chip_is_named_with_its_keys() -> None:
    told = advice(accelerator(), "ram_blocks", has_image=True)
    assert told.startswith(
        "make the memory image smaller: a `verify.batch` below 100 or a smaller "
        "`memory.alignment` or a smaller model; "
    )


def test_counters_and_bursts_are_named_for_logic_only() -> None:
    for resource, is_named in (("lut", True), ("ff", True), ("dsp", False), ("ram_blocks", False)):
        told = advice(accelerator(), resource)
        assert ("counters: false" in told) == ("memory.outstanding" in told) == is_named


def test_what_saves_most_comes_first_and_what_saves_nothing_not_at_all() -> None:
    savings = {
        ENGINE: {"lut": 10, "ram_blocks": 0},
        NO_COUNTERS: {"lut": 3000},
        OUTSTANDING: {"lut": 200},
        SCRATCHPAD: {"ram_blocks": 8},
        IMAGE: {"ram_blocks": 24},
    }
    assert advice(accelerator(), "lut", savings).split("; ")[:2] == [
        "write `counters: false` (up to 3,000 less)",
        "lower `memory.outstanding` (up to 200 less)",
    ]
    image, pad = advice(accelerator(), "ram_blocks", savings, has_image=True).split("; ")
    assert "memory image" in image and "(up to 24 less)" in image
    assert pad == "lower the capacity of the scratchpad (up to 8 less)"


def test_savings_that_nothing_is_known_of_leave_the_advice() -> None:
    assert advice(accelerator(), "dsp", {}) == advice(accelerator(), "dsp")


def test_a_kernel_has_its_own_keys() -> None:
    spec = load_spec(EXAMPLES / "kernels" / "topk_16.yaml")
    assert advice(spec, "lut") == "lower lanes or k_max"
