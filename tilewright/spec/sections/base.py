"""What every template's section of a spec offers, and how sections are chosen by `template:`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import InitErrorDetails, core_schema

from ..composer import KeyPath
from ..diagnostics import closest, suggestion
from ..kinds import Section, mistake
from ..source import Document

SECTION_MARK = "x-template-section"  # json_schema puts the known templates in its place


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Keys that are right each and wrong together.

    `path` is the key to blame, `parties` are all keys that the rule read: if one of them holds a
    mistake of its own, the conflict is not reported. `value` None: what stands at `path`.
    """

    path: KeyPath
    rule: str
    parties: tuple[KeyPath, ...] = ()
    value: str | None = None
    help: str | None = None

    def under(self, prefix: KeyPath) -> Conflict:
        """The same conflict seen from the whole spec."""
        parties = tuple((*prefix, *party) for party in self.parties)
        return replace(self, path=(*prefix, *self.path), parties=parties)


@dataclass(frozen=True, kw_only=True)
class HardwareSize:
    """An estimate of what a section would elaborate to."""

    num_pes: int = 0
    register_bits: int = 0
    memory_bits: int = 0

    def __add__(self, other: HardwareSize) -> HardwareSize:
        return HardwareSize(
            num_pes=self.num_pes + other.num_pes,
            register_bits=self.register_bits + other.register_bits,
            memory_bits=self.memory_bits + other.memory_bits,
        )


class TemplateSection(Section):
    """Base of template sections; a subclass declares `template: Literal["NAME"]` and its keys.

    `logic_keys`, `memory_keys`: what to lower where the hardware would be absurdly large.
    """

    summary: ClassVar[str] = ""
    logic_keys: ClassVar[str] = "its sizes"
    memory_keys: ClassVar[str] = "its sizes"
    template: str

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between this section's keys; paths are relative to the section."""
        return iter(())

    def accelerator_conflicts(self) -> Iterator[Conflict]:
        """Rules that hold only for an engine inside an accelerator: most cannot be one."""
        yield Conflict(
            path=("template",),
            parties=(("template",),),
            rule="must be a template that runs inside an accelerator",
            help=f"{self.template} is a kernel so far: write it under `kernel:`",
        )

    def size(self) -> HardwareSize:
        """What the section would elaborate to."""
        return HardwareSize()

    def shrinking(self, resource: str) -> str:
        """Keys that make less of `resource`: "lut", "ff", "dsp" (logic), others (memory)."""
        return self.logic_keys if resource in ("lut", "ff", "dsp") else self.memory_keys

    def word_lanes(self) -> int | None:
        """Elements of a word, or None if the template has no words."""
        return None


@dataclass(frozen=True, kw_only=True)
class SpecContext:
    """What validation knows beside the text.

    `boards` are the names of boards with those of their memories. `directory` None: no files are
    looked for. `document` None: nobody knows where the keys stand.
    """

    sections: Mapping[str, type[TemplateSection]] = field(default_factory=dict)
    boards: Mapping[str, Collection[str]] = field(default_factory=dict)
    directory: Path | None = None
    document: Document | None = None


class AnySection:
    """Field metadata: a section of whichever template `template:` names."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate_section,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _dump_section, schema=core_schema.any_schema(), info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {SECTION_MARK: True}


def _dump_section(
    section: TemplateSection,
    handler: SerializerFunctionWrapHandler,
    info: core_schema.SerializationInfo,
) -> object:
    mode = "json" if info.mode_is_json() else "python"
    return section.model_dump(
        mode=mode,
        by_alias=bool(info.by_alias),
        exclude_unset=info.exclude_unset,
        exclude_defaults=info.exclude_defaults,
    )


def _validate_section(value: object, info: ValidationInfo) -> TemplateSection:
    if isinstance(value, TemplateSection):
        return value
    if not isinstance(value, dict):
        raise mistake("must be a section with `template:` and its keys")
    context = info.context if isinstance(info.context, SpecContext) else SpecContext()
    known = sorted(context.sections)
    name = value.get("template")
    if not isinstance(name, str) or name not in known:
        _raise_template(value, known)
    return context.sections[str(name)].model_validate(value, context=context)


def _raise_template(value: dict[str, object], known: list[str]) -> None:
    name = value.get("template")
    if "template" not in value:
        meant = closest("template", value)
        help = f"known templates: {', '.join(known)}"
        error = mistake("is missing", f"is `{meant}` meant?" if meant else help)
    else:
        help = suggestion(name if isinstance(name, str) else "", known, "template")
        error = mistake("must be the name of a template", help)
    details = InitErrorDetails(type=error, loc=("template",), input=name)
    raise ValidationError.from_exception_data("template", [details])
