"""The frozen objects as JSON, both ways: `{"kind": ..., "version": 1, ...fields}`.

`from_json` takes nothing on trust: unknown and missing keys, wrong types and other versions are
refused with the path of the value. Arrays are written as base64 of little-endian bytes.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

FORMAT_VERSION = 1
ARRAY_FORMATS = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"),
)
MAX_DEPTH = 32

T = TypeVar("T")


class SerialError(ValueError):
    """A JSON value is not what the frozen object needs; the text begins with its path."""


def to_json(value: Any) -> dict[str, Any]:
    """`value` (a frozen dataclass) as plain data for `json.dumps`."""
    fields: dict[str, Any] = _plain(value)
    return {"kind": type(value).__name__.lower(), "version": FORMAT_VERSION} | fields


def from_json(cls: type[T], data: object) -> T:
    """The object of class `cls` that `to_json` wrote.

    Raises:
        SerialError: if `data` has unknown or missing keys, wrong types, or another version.
    """
    kind = cls.__name__.lower()
    if not isinstance(data, dict):
        raise SerialError(f"{kind}: must be an object, got {type(data).__name__}")
    if data.get("kind") != kind:
        raise SerialError(f"kind: must be `{kind}`, got {data.get('kind')!r}")
    if data.get("version") != FORMAT_VERSION or isinstance(data.get("version"), bool):
        raise SerialError(f"version: must be {FORMAT_VERSION}, got {data.get('version')!r}")
    fields = {key: item for key, item in data.items() if key not in ("kind", "version")}
    return read_object(cls, fields, kind)


def plain(value: Any) -> Any:
    """`value` as plain data, as `to_json` has it, without kind and version."""
    return _plain(value)


def read_object(cls: type[T], data: dict[str, Any], path: str) -> T:
    """The object of class `cls` from its fields alone; errors (`SerialError`) begin with `path`."""
    return typing.cast(T, _read_object(cls, data, path, 0))


def frozen_mapping(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy, keys in order."""
    return MappingProxyType(dict(sorted(mapping.items())))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _write_array(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _write_array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    text = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "base64": text}


def _read_array(data: object, path: str) -> np.ndarray[Any, Any]:
    if not isinstance(data, dict) or set(data) != {"dtype", "shape", "base64"}:
        raise SerialError(f"{path}: must be an array with dtype, shape and base64")
    if data["dtype"] not in ARRAY_FORMATS:
        raise SerialError(f"{path}.dtype: must be one of {', '.join(ARRAY_FORMATS)}")
    shape = _read(tuple[int, ...], data["shape"], f"{path}.shape", 0)
    dtype = np.dtype(data["dtype"])
    try:
        raw = base64.b64decode(data["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise SerialError(f"{path}.base64: is not base64 ({error})") from None
    size = functools.reduce(lambda product, extent: product * extent, shape, dtype.itemsize)
    if any(extent < 0 for extent in shape) or len(raw) != size:
        raise SerialError(f"{path}: {list(shape)} {dtype} takes {size} bytes, got {len(raw)}")
    array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    array.setflags(write=False)
    return array


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _read_object(cls: type, data: dict[str, Any], path: str, depth: int) -> Any:
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise SerialError(f"{path}: unknown keys: {', '.join(map(repr, unknown))}")
    missing = [
        name
        for name, f in fields.items()
        if name not in data
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise SerialError(f"{path}: missing keys: {', '.join(missing)}")
    hints = _hints(cls)
    values = {
        name: _read(hints[name], item, f"{path}.{name}", depth + 1) for name, item in data.items()
    }
    try:
        return cls(**values)
    except SerialError:
        raise
    except ValueError as error:
        raise SerialError(f"{path}: {error}") from None


def _read(hint: Any, data: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise SerialError(f"{path}: nested deeper than {MAX_DEPTH}")
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _read_union(typing.get_args(hint), data, path, depth)
    if origin is typing.Literal:
        if data not in typing.get_args(hint):
            choices = ", ".join(map(str, typing.get_args(hint)))
            raise SerialError(f"{path}: must be one of {choices}, got {data!r}")
        return data
    if origin is tuple:
        return _read_tuple(typing.get_args(hint), data, path, depth)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
            raise SerialError(f"{path}: must be an object, got {type(data).__name__}")
        item = typing.get_args(hint)[1]
        return {key: _read(item, v, f"{path}.{key}", depth + 1) for key, v in data.items()}
    if origin is np.ndarray or hint is np.ndarray:
        return _read_array(data, path)
    if dataclasses.is_dataclass(hint):
        if not isinstance(data, dict):
            raise SerialError(f"{path}: must be an object, got {type(data).__name__}")
        return _read_object(typing.cast(type, hint), data, path, depth)
    return _read_scalar(hint, data, path)


def _read_union(choices: tuple[Any, ...], data: Any, path: str, depth: int) -> Any:
    errors = []
    for choice in choices:
        try:
            return _read(choice, data, path, depth + 1)
        except SerialError as error:
            errors.append(error)
    raise errors[0]


def _read_tuple(items: tuple[Any, ...], data: Any, path: str, depth: int) -> Any:
    if not isinstance(data, list):
        raise SerialError(f"{path}: must be a list, got {type(data).__name__}")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_read(items[0], v, f"{path}[{i}]", depth + 1) for i, v in enumerate(data))
    if len(items) != len(data):
        raise SerialError(f"{path}: must have {len(items)} items, got {len(data)}")
    pairs = zip(items, data, strict=True)
    return tuple(_read(t, v, f"{path}[{i}]", depth + 1) for i, (t, v) in enumerate(pairs))


def _read_scalar(hint: Any, data: Any, path: str) -> Any:
    if hint is type(None) or hint is None:
        if data is None:
            return None
    elif hint is float and type(data) in (int, float):
        return float(data)
    elif type(data) is hint:
        return data
    wanted = "null" if hint in (None, type(None)) else getattr(hint, "__name__", str(hint))
    raise SerialError(f"{path}: must be {wanted}, got {type(data).__name__}")
