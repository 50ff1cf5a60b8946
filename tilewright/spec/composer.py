"""YAML parser events to nodes (on a stack: nesting costs nothing), nodes to data with places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import yaml

from .scalars import MAX_NUMBER_CHARS, NumberTooLong, Scalar, resolve_plain


class _Mark(Protocol):
    """A place in PyYAML's words: all from 0."""

    @property
    def index(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


KeyPath = tuple[str | int, ...]

MAX_DEPTH = 32


@dataclass(frozen=True)
class Span:
    """A place in the text: line and column from 1, width in characters."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True)
class Place:
    """Where a key and its value stand, and the value as it is written."""

    key: Span
    value: Span
    text: str


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Something that YAML allows and a spec does not."""

    span: Span
    path: KeyPath = ()
    rule: str
    help: str | None = None


class Fatal(Exception):
    """A mistake after which reading on makes no sense."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.rule)
        self.mistake = mistake


@dataclass
class Node:
    """A scalar (`children` is None), list, or mapping (key and value nodes in turn)."""

    span: Span
    text: str
    value: Scalar = None
    children: list[Node] | None = None
    is_mapping: bool = False
    is_plain: bool = False
    faults: list[tuple[str, str]] = field(default_factory=list)  # rule, help


def compose(text: str, loader: type) -> Node | None:
    """The node of the only document. Raises Fatal, or yaml.MarkedYAMLError for bad syntax."""
    root: Node | None = None
    open_nodes: list[Node] = []
    num_documents = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.DocumentStartEvent):
            num_documents += 1
            _check_document(event, num_documents)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, text)
            if open_nodes:
                siblings = open_nodes[-1].children
                assert siblings is not None
                siblings.append(node)
            else:
                root = node
            if node.children is not None:
                open_nodes.append(node)
            if len(open_nodes) > MAX_DEPTH:
                rule = f"must not nest deeper than {MAX_DEPTH} levels"
                raise Fatal(Mistake(span=node.span, rule=rule))
    return root


def _check_document(event: yaml.DocumentStartEvent, num_documents: int) -> None:
    if num_documents > 1:
        help = "put each spec in a file of its own"
        raise Fatal(Mistake(span=_span(event), rule="must be one YAML document", help=help))
    if event.tags or event.version not in (None, (1, 2)):
        rule = "must be YAML 1.2 without tag directives"
        raise Fatal(Mistake(span=_span(event), rule=rule, help="delete the lines with `%`"))


def _node(event: yaml.NodeEvent, text: str) -> Node:
    node = Node(span=_span(event), text=text[_start(event).index : _end(event).index])
    if isinstance(event, yaml.AliasEvent):
        node.faults.append(("aliases (`*name`) are not allowed", "write the value out"))
        return node
    if event.anchor is not None:
        node.faults.append(("anchors (`&name`) are not allowed", "write the value out"))
    assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
    if event.tag is not None:
        node.faults.append(("tags (`!name`) are not allowed", "delete the tag"))
    if isinstance(event, yaml.ScalarEvent):
        node.is_plain = not event.style
        node.value = _plain(event.value, node) if node.is_plain else event.value
        return node
    node.is_mapping = isinstance(event, yaml.MappingStartEvent)
    node.text = "a mapping" if node.is_mapping else "a list"
    node.children = []
    return node


def _plain(text: str, node: Node) -> Scalar:
    try:
        return resolve_plain(text)
    except NumberTooLong:
        rule = f"must be a number of at most {MAX_NUMBER_CHARS} characters"
        node.faults.append((rule, "no key needs such a number"))
        return None


def _span(event: yaml.Event) -> Span:
    start, end = _start(event), _end(event)
    is_one_line = start.line == end.line and isinstance(event, yaml.ScalarEvent)
    width = max(1, end.column - start.column) if is_one_line else 1
    return Span(start.line + 1, start.column + 1, width)


def _start(event: yaml.Event) -> _Mark:
    assert event.start_mark is not None
    return event.start_mark


def _end(event: yaml.Event) -> _Mark:
    assert event.end_mark is not None
    return event.end_mark


class Reader:
    """Nodes to data; afterwards `places` and `mistakes` are complete."""

    def __init__(self) -> None:
        self.places: dict[KeyPath, Place] = {}
        self.mistakes: list[Mistake] = []

    def data(self, node: Node, path: KeyPath = (), key: Span | None = None) -> object:
        """The data of `node`, which stands at `path` (at most MAX_DEPTH deep)."""
        self.places[path] = Place(key=key or node.span, value=node.span, text=node.text)
        for rule, help in node.faults:
            self.mistakes.append(Mistake(span=node.span, path=path, rule=rule, help=help))
        if node.children is None:
            return node.value
        if not node.is_mapping:
            return [self.data(child, (*path, i)) for i, child in enumerate(node.children)]
        entries: dict[str, object] = {}
        for key_node, value_node in _pairs(node.children):
            if self._accepts_key(key_node, path, entries):
                name = _key_text(key_node)
                entries[name] = self.data(value_node, (*path, name), key_node.span)
        return entries

    def _accepts_key(self, node: Node, path: KeyPath, entries: dict[str, object]) -> bool:
        name = _key_text(node)
        inner = (*path, name)
        faults = list(node.faults)
        if node.children is not None:
            inner = path
            faults.append(("keys must be text", "write `key: value`"))
        elif node.is_plain and name == "<<":
            faults.append(("merge keys (`<<`) are not allowed", "write the keys out"))
        elif name in entries:
            line = self.places[inner].key.line
            faults.append((f"key stands twice, first in line {line}", "delete one of the two"))
        for rule, help in faults:
            self.mistakes.append(Mistake(span=node.span, path=inner, rule=rule, help=help))
        return not faults


def _pairs(children: list[Node]) -> Iterator[tuple[Node, Node]]:
    return zip(islice(children, 0, None, 2), islice(children, 1, None, 2), strict=True)


def _key_text(node: Node) -> str:
    if isinstance(node.value, str):
        return node.value
    return node.text
