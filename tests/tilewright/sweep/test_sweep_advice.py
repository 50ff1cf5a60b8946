"""What a sweep says would help a design: from its own designs, or tried, and true."""

from pathlib import Path

import yaml
from tilewright.dse.neighbours import known_changes
from tilewright.dse.sweep_file import parse_sweep_file

from tilewright.catalog import load_spec
from tilewright.flow.design import make_design
from tilewright.flow.sweep.changes import larger_batch
from tilewright.flow.sweep.points import read_points
from tilewright.flow.sweep.run import SweepOptions, run_sweep
from tilewright.spec import AcceleratorSpec


def estimated(path: Path, settings: dict[str, object]) -> int:
    """The cycles of the spec with these keys, and without its sweep."""
    data = yaml.safe_load(path.read_text())
    del data["sweep"]
    for key, value in settings.items():
        *sections, last = key.split(".")
        place = data
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    changed = path.with_name("changed.yaml")
    changed.write_text(yaml.safe_dump(data))
    spec = load_spec(changed)
    return make_design(spec).estimate.cycles


def test_what_is_told_of_designs_is_so(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(objectives="[cycles]")
    out = tmp_path / "out"
    spec = load_spec(path)
    assert isinstance(spec, AcceleratorSpec)
    verify = spec.verify
    assert verify is not None
    file = run_sweep(spec, out, options=SweepOptions(workers=1)).file
    details = read_points(out, file)
    assert details
    for detail in list(details.values())[:1]:
        texts = [one.change for one in detail.tried]
        assert len(texts) == len(set(texts))
        assert any(one.design is not None for one in detail.tried)
        assert any(one.design is None for one in detail.tried)
        for one in detail.tried:
            if one.design is not None:
                assert one.cycles == file.columns["cycles"][file.row_of(one.design)]
            changed = {
                key: yaml.safe_load(value)
                for key, value in (part.split(": ") for part in one.change.split(" with "))
            }
            cycles = estimated(path, {**detail.settings, **changed})
            work = changed["verify.batch"] / verify.batch if one.is_share else 1
            assert round(cycles / work) == one.cycles, one
    assert parse_sweep_file((out / "sweep.json").read_text()) == file


def test_designs_that_differ_in_one_parameter(sweep_spec, tmp_path: Path) -> None:
    """Four rows and columns times three latencies: of each the other values, and no more."""
    path = sweep_spec(objectives="[cycles]", parameters=(
        "pes: {times: [accelerator.engines.array.rows, accelerator.engines.array.cols], "
        "derived: true}"
    ))  # fmt: skip
    file = run_sweep(load_spec(path), tmp_path / "out", options=SweepOptions(workers=1)).file
    assert file.space.size == 12
    for index in range(12):
        found = known_changes(file, index)
        assert len(found) == 1 + 1 + 2
        assert all(one.change.count(":") == 1 and one.design != index for one in found)


def test_a_larger_batch_divides_the_samples(tiny_spec) -> None:
    spec = load_spec(tiny_spec())
    found = larger_batch(spec)
    assert spec.verify is not None
    if found is not None:
        assert spec.verify.samples % int(found.value) == 0
        assert found.work * spec.verify.batch == found.value >= 2 * spec.verify.batch
