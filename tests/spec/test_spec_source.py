"""Reading: places, limits, hostile text, files that are none."""

import os
import time
from pathlib import Path

import pytest
import yaml

from tilewright.spec import SpecError, load_spec, parse_spec, source
from tilewright.spec.source import MAX_SOURCE_BYTES, read_document

GOOD = "tilewright: 1\nname: matmul\nkernel: {template: systolic, rows: 8, cols: 8}\n"


def first(error: pytest.ExceptionInfo[SpecError]) -> str:
    return str(error.value).splitlines()[0]


def test_places_of_keys_and_values() -> None:
    document = read_document("a:\n  b: [1, 'x y']\nc: {d: e}\n", "t.yaml")
    assert document.data == {"a": {"b": [1, "x y"]}, "c": {"d": "e"}}
    place = document.places["a", "b", 1]
    assert (place.value.line, place.value.column, place.value.width) == (2, 10, 5)
    assert place.text == "'x y'"
    assert document.places["c", "d"].key.column == 5


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks_and_byte_order_mark(line_break: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", line_break).encode())
    assert load_spec(path).name == "matmul"
    path.write_bytes(GOOD.replace("8}", "0}").replace("\n", line_break).encode())
    with pytest.raises(SpecError) as error:
        load_spec(path)
    assert f"{path}:3:45: error: kernel.cols" in str(error.value)


def test_size_limit(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD + "#" * (MAX_SOURCE_BYTES - len(GOOD)))
    assert load_spec(path).name == "matmul"
    path.write_text(GOOD + "#" * (MAX_SOURCE_BYTES - len(GOOD) + 1))
    with pytest.raises(SpecError, match="at most 256 KiB"):
        load_spec(path)
    with pytest.raises(SpecError, match="at most 256 KiB"):
        parse_spec(path.read_text())


def test_files_that_are_none(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)  # opening it must not wait for a writer
    cases = {tmp_path: "is a directory", tmp_path / "x": "file not found", fifo: "regular file"}
    for path, text in {**cases, Path("/dev/zero"): "regular file"}.items():
        with pytest.raises(SpecError, match=text) as error:
            load_spec(path)
        assert first(error).startswith(f"{path}: error: ")


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(SpecError, match="cannot be read: Permission denied"):
        load_spec(path)


N = 250_000
HOSTILE = {
    "brackets": "[" * N,
    "braces": "{" * N,
    "lists": "- " * (N // 2),
    "complex keys": "? " * (N // 2),
    "colons": "a: " * (N // 3),
    "flow keys": "{? " * (N // 3),
    "many items": "a: [" + "a," * (N // 2) + "]",
    "unknown keys": "".join(f"key{i}: 1\n" for i in range(20_000)),
    "long unknown keys": "".join("k" * 60 + f"{i:04}: 1\n" for i in range(3_000)),
    "keys of a kernel": GOOD.replace(
        "cols", "cols: 8, " + "".join(f"colt{i}: 1, " for i in range(9_000)) + "x"
    ),
    "same keys": "a: 1\n" * (N // 5),
    "one long key": "a" * N + ": 1",
    "one long number": "tilewright: " + "9" * N,
    "long plain text": "tilewright: 1\nname: " + "a" * N + "\nkernel: 1",
    "aliases": "a: [" + "*a," * (N // 3) + "]",
    "quote": '"' + "a" * N,
    "billion laughs": "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(1000)),
    "deep and dedented": "".join(" " * i + "a:\n" for i in range(700)),
    "anchors": "&a " * (N // 3),
    "directives": "%YAML 1.2\n" * (N // 10),
    "documents": "---\n" * (N // 4),
    "engines": "tilewright: 1\nname: a\nmodel: m\naccelerator:\n  engines:\n"
    + "".join(f"    e{i}: {{template: systolic, rows: 8, cols: 0}}\n" for i in range(5_000)),
}  # fmt: skip


@pytest.mark.parametrize("case", list(HOSTILE))
def test_hostile_text_is_refused_quickly(case: str) -> None:
    start = time.process_time()
    with pytest.raises(SpecError) as error:
        parse_spec(HOSTILE[case], "t.yaml")
    text = str(error.value)
    assert time.process_time() - start < 12.0  # what is not linear takes minutes
    assert first(error).startswith("t.yaml:")
    assert len(error.value.diagnostics) <= 101
    assert len(text) < 100_000


def test_without_the_c_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML has no libyaml the same specs are good and bad, in the same places."""
    errors = Path(__file__).resolve().parent.parent / "errors"
    for path in sorted(errors.glob("*.yaml")):
        places = []
        for loader in (yaml.CSafeLoader, yaml.SafeLoader):
            monkeypatch.setattr(source, "_LOADER", loader)
            with pytest.raises(SpecError) as error:
                load_spec(path)
            places.append([(d.line, d.column, d.path) for d in error.value.diagnostics])
        if not path.stem.startswith("yaml_"):  # syntax errors are placed otherwise
            assert places[0] == places[1], path.stem
