"""What makes generated text short and readable: on the way into yosys and on the way out."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Rom", "tidy_rtlil", "tidy_verilog"]

LARGE_ROM_ROWS = 64
"""A ROM with more rows than this can leave the text for a file of its own."""

_LINE_WIDTH = 100
_MEMORY_CONTENTS = re.compile(
    r"^  cell \$meminit_v2 \S+\n"
    r'    parameter \\MEMID "\\+(?P<memory>[^"]+)"\n'
    r"    parameter \\ABITS \d+\n"
    r"    parameter \\WIDTH (?P<width>\d+)\n"
    r"    parameter \\WORDS (?P<rows>\d+)\n"
    r"    parameter \\PRIORITY \d+\n"
    r"    connect \\ADDR \{ *\}\n"
    r"    connect \\DATA \d+'(?P<bits>[01]+)\n"
    r"    connect \\EN .*\n"
    r"  end\n",
    re.MULTILINE,
)
_MODULE = re.compile(r"^module \\(\S+)$", re.MULTILINE)
_REGISTER = re.compile(r"^    connect \\Q (\\\S+)", re.MULTILINE)
_NAME = re.compile(r"\\\S+")
_WIRE = re.compile(r"  wire (?:.* )?(\\\S+)$")
_ALIAS = re.compile(r"^(?:  )?connect (\\\S+) ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Rom:
    """Contents that a memory reads from a file when simulation or synthesis starts."""

    module: str
    memory: str
    width: int
    words: tuple[int, ...]

    @property
    def hex_text(self) -> str:
        """Text for `$readmemh`, a row per line."""
        digits = -(-self.width // 4)
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


def tidy_rtlil(text: str, *, keeps_roms: bool) -> tuple[str, list[Rom]]:
    """Drop what no reader needs: zeros in memories, names of fields, repeated initial values.

    A memory that is written before it is read needs no contents. Without `keeps_roms`, large ROMs
    are taken out, too, and returned.
    """
    starts = [match.start() for match in _MODULE.finditer(text)]
    pieces, roms = [text[: starts[0]]], []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece, taken = _without_contents(text[start:end], keeps_roms=keeps_roms)
        pieces.append("\n".join(_without_aliases(piece)))
        roms += taken
    return "".join(pieces), roms


def _without_contents(module: str, *, keeps_roms: bool) -> tuple[str, list[Rom]]:
    header = _MODULE.match(module)
    assert header is not None
    roms: list[Rom] = []

    def replacement(match: re.Match[str]) -> str:
        width, rows, bits = int(match["width"]), int(match["rows"]), match["bits"]
        if "1" not in bits:
            return ""
        if keeps_roms or rows <= LARGE_ROM_ROWS:
            return match[0]
        words = (bits[(rows - n - 1) * width : (rows - n) * width] for n in range(rows))
        numbers = tuple(int(word, 2) for word in words)
        roms.append(Rom(module=header[1], memory=match["memory"], width=width, words=numbers))
        return ""

    return _MEMORY_CONTENTS.sub(replacement, module), roms


def _without_aliases(module: str) -> Iterator[str]:
    """Lines without the names of a structure's fields, and initial values of registers only."""
    registers = set(_REGISTER.findall(module))
    num_uses = Counter(_NAME.findall(module))
    # A field that is named only where it is declared and where it gets its value has no reader.
    num_uses.subtract(_ALIAS.findall(module))
    fields = {name for name, count in num_uses.items() if re.search(r"[.[]", name) and count == 1}
    attributes: list[str] = []
    for line in module.split("\n"):
        if line.startswith("  attribute "):
            attributes.append(line)
            continue
        wire = _WIRE.match(line)
        alias = _ALIAS.match(line)
        name = wire[1] if wire else alias[1] if alias else ""
        if name not in fields:
            if wire and name not in registers:
                attributes = [a for a in attributes if not a.startswith("  attribute \\init ")]
            yield from attributes
            yield line
        attributes.clear()


# Yosys names a helper register after a line of its own source text.
_TRIGGER = re.compile(r"\\\$auto\$verilog_backend\.cc:\d+:dump_module\$\d+ ")
_ESCAPED = re.compile(r"\\(\S+) ")
_PLAIN = re.compile(r"(?<![\\\w$.])[A-Za-z_]\w*")
_PORT = re.compile(
    r"^  (input|output)( \[\d+:\d+\])? (\S+ ?);\n"
    r"  (wire|reg)(?: \[\d+:\d+\])? \3( = [^;]+)?;$",
    re.MULTILINE,
)
_HELPERS = re.compile(r"(?:^  (?:wire|reg)(?: \[\d+:\d+\])? _\d+_;\n)+", re.MULTILINE)
_HELPER = re.compile(r"^  ((?:wire|reg)(?: \[\d+:\d+\])?) (_\d+_);$", re.MULTILINE)


def tidy_verilog(text: str, roms: Sequence[Rom], rom_files: Sequence[str]) -> str:
    """Plain names, ports in one line each, helper wires of one width together, ROMs from files."""
    text = _TRIGGER.sub("_trigger_", text)
    for rom, file in zip(roms, rom_files, strict=True):
        text = _with_rom_file(text, rom, file)
    text = _with_plain_names(text)
    text = _PORT.sub(lambda m: f"  {m[1]} {m[4]}{m[2] or ''} {m[3]}{m[5] or ''};", text)
    return _HELPERS.sub(lambda m: _grouped(m[0]), text)


def _with_rom_file(text: str, rom: Rom, file: str) -> str:
    start = re.search(rf"^module \\?{re.escape(rom.module)} ?\(", text, re.MULTILINE)
    assert start is not None, f"module {rom.module} is gone"
    declaration = re.compile(rf"^  reg \[.*\] (\\?{re.escape(rom.memory)} ?) ?\[.*\];$", re.M)
    found = declaration.search(text, start.end())
    assert found is not None, f"memory {rom.memory} is gone"
    line = f'\n  initial $readmemh("{file}", {found[1]});'
    return text[: found.end()] + line + text[found.end() :]


def _with_plain_names(text: str) -> str:
    """Escaped names made of words, dots and dollars become plain ones, the same everywhere."""
    taken = set(_PLAIN.findall(_ESCAPED.sub(" ", text)))
    plain: dict[str, str] = {}
    for name in dict.fromkeys(_ESCAPED.findall(text)):
        candidate = re.sub(r"\W+", "_", name).strip("_")
        if candidate == name or not re.match("[A-Za-z]", candidate):
            continue  # a keyword, or no name at all
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        plain[name] = candidate
    return _ESCAPED.sub(lambda m: plain[m[1]] if m[1] in plain else m[0], text)


def _grouped(block: str) -> str:
    """Declarations of helper wires, those of one kind and width together."""
    groups: dict[str, list[str]] = {}
    for kind, name in _HELPER.findall(block):
        groups.setdefault(kind, []).append(name)
    lines = []
    for kind, names in groups.items():
        line = f"  {kind}"
        for name in names:
            if len(line) + len(name) + 2 > _LINE_WIDTH:
                lines.append(f"{line}")
                line = "   "
            line += f" {name},"
        lines.append(line[:-1] + ";")
    return "\n".join(lines) + "\n"
