"""What good specs become: defaults, derived values, freezing, hashes, added templates."""

import copy
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import pytest

import tilewright.spec as spec_package
from tilewright.board_of_spec import known_boards
from tilewright.spec import (
    BUILTIN_SECTIONS,
    AcceleratorSpec,
    KernelSpec,
    NumberFormat,
    SpecError,
    SystolicSection,
    TemplateSection,
    load_spec,
    parse_spec,
    spec_from_data,
    spec_hash,
    spec_template,
)
from tilewright.spec.kinds import whole
from tilewright.spec.sections.base import Conflict, HardwareSize
from tilewright.spec.sections.systolic import default_lanes

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
KERNEL = "tilewright: 1\nname: matmul\nkernel: {template: systolic, rows: 8, cols: 8}\n"
ACCELERATOR = (
    "tilewright: 1\nname: digits\nmodel: a.onnx\n"
    "accelerator: {engines: {array: {template: systolic, rows: 16, cols: 8}}}\n"
)


def kernel(**keys: object) -> SystolicSection:
    section = {"template": "systolic", "rows": 8, "cols": 8} | keys
    spec = spec_from_data({"tilewright": 1, "name": "matmul", "kernel": section})
    assert isinstance(spec, KernelSpec)
    assert isinstance(spec.kernel, SystolicSection)
    return spec.kernel


def test_kernel_defaults() -> None:
    assert kernel().model_dump(exclude={"requantize"}) == {
        "template": "systolic",
        "rows": 8,
        "cols": 8,
        "dataflow": "output_stationary",
        "lanes": 16,
        "a": "int8",
        "b": "int8",
        "accumulator_bits": 32,
        "a_feed": "k_inner",
        "b_feed": "k_inner",
        "output": "int8",
        "param_sets": 8,
        "accumulator_rows": 128,
        "products_per_dsp": 1,
    }
    assert kernel().a == kernel().b == NumberFormat(8, signed=True)
    assert kernel().requantize.mode == "exact"
    assert kernel().requantize.multiplier_bits == 24


def test_accelerator_defaults() -> None:
    spec = parse_spec(ACCELERATOR)
    assert isinstance(spec, AcceleratorSpec)
    machine = spec.accelerator
    assert machine.scratchpad.capacity_bytes == 65536
    assert machine.scratchpad.banks == 8
    assert (machine.memory.bytes_per_cycle, machine.memory.latency_cycles) == (16, 40)
    assert machine.memory.outstanding == 8
    assert machine.program == "rom"
    assert (machine.lanes, machine.word_bytes, machine.port_bytes) == (16, 16, 16)
    assert (machine.scratchpad_words, machine.bank_words) == (4096, 512)
    assert (spec.schedule.objective, spec.schedule.time_limit_seconds) == ("cycles", 10.0)
    assert spec.board is None
    assert spec.verify is None


# Architecture, section 4: 16 if cols divides 16 and rows <= 16, else cols * ceil(rows / cols).
LANES = {(1, 1): 16, (8, 8): 16, (16, 16): 16, (16, 1): 16, (17, 16): 32, (5, 3): 6, (4, 6): 6}
LANES |= {(128, 128): 128, (1, 17): 17, (256, 255): 510, (32, 8): 32, (16, 5): 20}


@pytest.mark.parametrize(("rows", "cols"), list(LANES))
def test_default_lanes(rows: int, cols: int) -> None:
    assert kernel(rows=rows, cols=cols).lanes == LANES[rows, cols]


def test_default_lanes_always_cover_the_array() -> None:
    for rows in range(1, 257):
        for cols in range(1, 257, 5):
            assert default_lanes(rows, cols) >= max(rows, cols), (rows, cols)


def test_default_param_sets_are_four_panels() -> None:
    assert kernel(lanes=17).param_sets == 12
    assert kernel(lanes=17, cols=8).subpanels == 3


def test_word_is_rounded_up_to_a_power_of_two() -> None:
    text = ACCELERATOR.replace("rows: 16, cols: 8", "rows: 5, cols: 5")
    spec = parse_spec(text)
    assert isinstance(spec, AcceleratorSpec)
    assert (spec.accelerator.lanes, spec.accelerator.word_bytes) == (5, 8)
    assert spec.accelerator.port_bytes == 8
    assert spec.accelerator.bank_words == 1024


@pytest.mark.parametrize(
    ("samples", "batch"), [(100, 100), (540, 90), (1, 1), (101, 1), (64, 64), (1_000_000, 100)]
)
def test_default_batch_divides_samples(samples: int, batch: int) -> None:
    spec = parse_spec(ACCELERATOR + f"verify: {{inputs: a.npz, samples: {samples}}}\n")
    assert isinstance(spec, AcceleratorSpec)
    assert spec.verify is not None
    assert spec.verify.batch == batch


@pytest.mark.parametrize("rows", [1, 256])
def test_limits_of_a_range_are_inside(rows: int) -> None:
    assert kernel(rows=rows).rows == rows
    with pytest.raises(SpecError):
        kernel(rows=rows - 1 if rows == 1 else rows + 1)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_good(path: Path) -> None:
    spec = load_spec(path, boards=known_boards())
    assert spec.name == path.stem


def test_paths_start_at_the_spec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    spec = load_spec(EXAMPLES / "digits_mlp.yaml")
    assert isinstance(spec, AcceleratorSpec)
    assert spec.model_path == EXAMPLES / "digits_mlp.qdq.onnx"
    assert spec.inputs_path is not None
    assert spec.inputs_path.is_file()


def test_specs_are_frozen_hashable_and_copyable() -> None:
    spec = load_spec(EXAMPLES / "digits_mlp.yaml")
    assert isinstance(spec, AcceleratorSpec)
    with pytest.raises(pydantic.ValidationError):
        spec.name = "other"
    with pytest.raises(TypeError):
        spec.accelerator.engines["other"] = kernel()  # type: ignore[index]
    with pytest.raises(AttributeError, match="cannot be changed"):
        spec.accelerator.engines.anything = 1  # type: ignore[attr-defined]
    twin = copy.deepcopy(spec)
    assert twin == spec
    assert hash(twin) == hash(spec)
    assert twin.model_path == spec.model_path


def test_dump_reads_back() -> None:
    for path in sorted(EXAMPLES.rglob("*.yaml")):
        spec = load_spec(path, boards=known_boards())
        data = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        again = spec_from_data(data, directory=path.parent, boards=known_boards())
        assert again == spec
        assert spec_hash(again) == spec_hash(spec)


def test_hash_is_of_the_meaning() -> None:
    base = spec_hash(parse_spec(KERNEL))
    assert spec_hash(parse_spec("# comment\n" + KERNEL)) == base
    assert spec_hash(parse_spec(KERNEL.replace("rows: 8, cols: 8", "cols: 0x8, rows: 8"))) == base
    assert spec_hash(parse_spec(KERNEL.replace("cols: 8", "cols: 8, lanes: 16"))) == base
    assert spec_hash(parse_spec(KERNEL.replace("cols: 8", "cols: 9"))) != base
    assert len(base) == 64


def test_a_later_key_leaves_the_hash_of_who_does_not_use_it() -> None:
    """As it was before there was a key `fifos`."""
    texts = [ACCELERATOR.replace("{engines", f"{{{key}engines")
             for key in ("", "fifos: auto, ", "fifos: ram_blocks, ")]  # fmt: skip
    plain, default, other = (spec_hash(parse_spec(text)) for text in texts)
    assert plain == default
    assert plain.startswith("13f87cc8c5be075d")
    assert other != plain


class AddedSection(TemplateSection):
    """A template that someone else made."""

    template: Literal["added"]
    depth: Annotated[int, whole(1, 4)] = pydantic.Field(description="Depth, 1 to 4.")

    def conflicts(self) -> Iterator[Conflict]:
        if self.depth == 3:
            yield Conflict(path=("depth",), rule="must not be 3")

    def size(self) -> HardwareSize:
        return HardwareSize(num_pes=self.depth)


def test_added_templates() -> None:
    sections: dict[str, type[TemplateSection]] = {**BUILTIN_SECTIONS, "added": AddedSection}
    text = "tilewright: 1\nname: mine\nkernel: {template: added, depth: 2}\n"
    spec = parse_spec(text, sections=sections)
    assert isinstance(spec, KernelSpec)
    assert isinstance(spec.kernel, AddedSection)
    assert spec.hardware_size().num_pes == 2
    wrong = {"depth: 3": "kernel.depth: must not be 3, got 3", "dept: 3": "did you mean `depth`"}
    for keys, message in wrong.items():
        with pytest.raises(SpecError, match=message):
            parse_spec(text.replace("depth: 2", keys), sections=sections)
    with pytest.raises(SpecError, match="must be the name of a template, got added"):
        parse_spec(text)
    any_section = spec_package.json_schema(sections)["$defs"]["TemplateSection"]
    assert {"$ref": "#/$defs/AddedSection"} in any_section["oneOf"]


@pytest.mark.parametrize(
    "data", [None, [], "text", {}, {1: 2}, {"tilewright": 1.0}, {"kernel": {}}]
)
def test_data_without_places(data: object) -> None:
    with pytest.raises(SpecError) as error:
        spec_from_data(data)
    assert str(error.value).startswith("<data>: error: ")


def test_value_of_data_without_places() -> None:
    with pytest.raises(SpecError, match=r"kernel\.rows: must be a whole number .*, got true"):
        kernel(rows=True)


@pytest.mark.parametrize("form", ["kernel", "accelerator"])
def test_template_loads(form: Literal["kernel", "accelerator"]) -> None:
    text = spec_template(form, "my_name", schema="../s.json", model="net.onnx")
    assert text.startswith("# yaml-language-server: $schema=../s.json\n")
    spec = parse_spec(text)
    assert spec.name == "my_name"
    assert isinstance(spec, AcceleratorSpec) == (form == "accelerator")


@pytest.mark.parametrize("form", ["kernel", "accelerator"])
def test_template_shows_defaults(form: Literal["kernel", "accelerator"]) -> None:
    head, _, body = spec_template(form).partition("tilewright: 1")
    uncommented = "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line
        for line in ("tilewright: 1" + body).splitlines()
        if "param_sets" not in line or form == "kernel"
    )
    spec, plain = parse_spec(uncommented), parse_spec(head + "tilewright: 1" + body)
    if isinstance(spec, KernelSpec):
        assert spec == plain
    else:
        assert isinstance(plain, AcceleratorSpec)
        assert (spec.accelerator, spec.schedule) == (plain.accelerator, plain.schedule)
        assert spec.verify is not None


def test_import_is_light() -> None:
    code = "import sys, tilewright.spec; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "tilewright.spec.model" in loaded
    assert not loaded & {"amaranth", "numpy", "onnx", "onnxruntime", "networkx", "jinja2", "cocotb"}


def test_checking_takes_less_than_100_ms() -> None:
    start = time.process_time()
    load_spec(EXAMPLES / "digits_mlp.yaml")
    assert time.process_time() - start < 0.1
