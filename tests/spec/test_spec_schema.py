"""The JSON Schema accepts what the loader accepts, refuses what it can, and describes every key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tilewright.spec import SpecError, json_schema, parse_spec, spec_template
from tilewright.spec.source import decode_source, read_document

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def data_of(text: str) -> object:
    return read_document(text, "t.yaml").data


def test_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda p: p.stem)
def test_examples_validate(path: Path) -> None:
    VALIDATOR.validate(data_of(path.read_text(encoding="utf-8")))


def test_templates_validate() -> None:
    VALIDATOR.validate(data_of(spec_template("kernel")))
    VALIDATOR.validate(data_of(spec_template("accelerator")))


def test_every_key_is_described() -> None:
    definitions: dict[str, Any] = SCHEMA["$defs"]
    num_keys = 0
    for name, definition in definitions.items():
        assert definition.get("description"), name
        for key, field in definition.get("properties", {}).items():
            target = definitions.get(field.get("$ref", "").rpartition("/")[2], {})
            assert field.get("description") or target.get("description"), f"{name}.{key}"
            num_keys += 1
    assert num_keys >= 40


def test_sections_refuse_unknown_keys() -> None:
    for name, definition in SCHEMA["$defs"].items():
        if "properties" in definition:
            assert definition["additionalProperties"] is False, name


# Rules that JSON Schema cannot state: between keys, about text, files, keywords, sizes of hardware.
BEYOND_SCHEMA = (
    "accumulator_narrower", "accumulator_rows_unused", "alignment_", "anchor_",
    "batch_not_divisor",
    "board_memory_", "board_table_", "board_unknown", "clock_range", "conflict_",
    "engine_feed", "engine_format", "engine_lanes",
    "engine_name_keyword", "engine_name_reserved", "engine_raw", "engines_none", "engines_two",
    "feed_weight", "inputs_not_found", "key_twice", "lanes_too_few", "model_absolute",
    "model_backslash", "model_control", "model_home", "model_is_folder", "model_no_folder",
    "model_not_found", "multiplier_bits_with", "name_c_", "name_systemverilog", "name_verilog",
    "name_vhdl", "number_too_long", "objective_weight", "param_sets_too_few", "param_sets_with",
    "products_odd", "products_wide", "requantize_with", "scratchpad_beyond",
    "scratchpad_fraction", "scratchpad_not",
    "scratchpad_too", "tag", "time_limit_range", "too_large_", "key_not_text", "merge_key",
    "rows_exponent",
    "nm_accumulator", "nm_engine", "nm_feed_lanes_too_many", "nm_prune_cols_unused",
    "nm_prune_max_kept", "nm_requantize_unused", "sddmm_accumulator_narrower", "sddmm_bank_words",
    "sddmm_engine", "sddmm_load_words_no_divisor", "spmm_broadcast_banks", "spmm_limb_wider",
    "spmm_load_words", "spmm_window_unused", "topk_digit_unused", "topk_digit_wider",
    "topk_index_too_wide", "topk_k_above", "topk_lanes_of", "topk_many_mistakes", "topk_order_of",
    "topk_rate", "topk_too_large", "zero_skip_lanes",
)  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/errors").glob("*.yaml")), ids=lambda p: p.stem
)
def test_bad_specs(path: Path) -> None:
    try:
        data = data_of(decode_source(path.read_bytes(), path.name))
    except SpecError:
        return  # no data that a schema could judge
    is_beyond = path.stem.startswith(BEYOND_SCHEMA)
    is_valid = VALIDATOR.is_valid(data)
    if not is_beyond:
        assert not is_valid, "the schema takes what the loader refuses"


def test_accepts_all_that_the_loader_accepts() -> None:
    """The edges of every range of the schema are good specs too."""
    properties = SCHEMA["$defs"]["SystolicSection"]["properties"]
    base = "tilewright: 1\nname: a\nkernel: {template: systolic, rows: 8, cols: 8"
    for key in ("lanes", "accumulator_bits", "param_sets"):
        for word in ("minimum", "maximum"):
            text = f"{base}, {key}: {properties[key][word]}}}\n"
            assert VALIDATOR.is_valid(data_of(text)), text
    for name in properties["a"]["enum"]:
        text = f"{base}, a: {name}}}\n"
        assert VALIDATOR.is_valid(data_of(text))
        parse_spec(text)


def _with_defaults(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that has a default."""
    if isinstance(schema, dict):
        if "default" in schema and "properties" not in schema:
            yield schema
        for value in schema.values():
            yield from _with_defaults(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _with_defaults(value)


def test_defaults_are_what_a_user_may_write() -> None:
    parts = list(_with_defaults(json_schema()["$defs"]))
    assert len(parts) > 20
    for part in parts:
        resolver = {**part, "$defs": json_schema()["$defs"]}
        jsonschema.Draft202012Validator(resolver).validate(part["default"])
