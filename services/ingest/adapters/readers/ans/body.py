"""The body of a story: each kind of content element as HTML; elements of an unknown kind are left out and reported."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from services.ingest.adapters.readers.ans.leaves import LEAVES, Omitted, content_of, paragraph, without_paragraph
from services.ingest.adapters.readers.ans.pictures import figure_of, picture_of
from services.ingest.adapters.readers.ans.state import is_public_code
from services.ingest.adapters.readers.ans.story import Story
from services.ingest.adapters.readers.ans.texts import line_of
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import SentPicture, set_body
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain.pointers import pointer

_MAX_DEPTH = 12
_MAX_ELEMENTS = 5_000
_MAX_BODY_CHARS = 600_000  # more than an article may have, so that a longer one is refused
_MAX_CELL_CHARS = 10_000
_OTHER_CHANNELS = frozenset(
    {"ios", "android", "app", "apps", "native", "print", "newsletter", "alexa", "voice", "audio"}
)
_COMMENTS = ("comments", "inline_comments")


@dataclass(frozen=True, slots=True)
class BodyParts:
    """The parts of the body that are no text: pictures, and the (text, pointer) of each correction element."""

    pictures: list[SentPicture] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)


def read_body(story: Story, builder: ArticleBuilder) -> BodyParts:
    """Set the body from the content elements; return the pictures and corrections that were inside."""
    builder.expect("body", story.at("content_elements"))
    writer = _Writer(builder)
    elements = story.item.get("content_elements")
    if isinstance(elements, list):
        if markup := "\n".join(writer.blocks(elements, story.at("content_elements"), 0)):
            set_body(builder, markup, story.at("content_elements"), is_html=True)
    elif elements is not None:
        builder.drop(story.at("content_elements"), "is not a list")
    return writer.parts


class _Writer:
    """Writes elements as HTML, up to a depth and a number."""

    def __init__(self, builder: ArticleBuilder) -> None:
        self.parts = BodyParts()
        self._builder = builder
        self._count = 0
        self._chars = 0
        self._containers: Mapping[str, Callable[[Item, str, int], str | Omitted]] = {
            "blockquote": self._quote,
            "correction": self._correction,
            "element_group": self._group,
            "gallery": self._group,
            "image": self._image,
            "link_list": self._link_list,
            "list": self._list,
            "quote": self._quote,
            "table": self._table,
        }

    def blocks(self, elements: Iterable[object], where: str, depth: int) -> list[str]:
        """Return the elements of a list as blocks of HTML, without those that are left out."""
        found = (self.block(element, where + pointer(index), depth) for index, element in enumerate(elements))
        return [block for block in found if block]

    def block(self, element: object, where: str, depth: int) -> str:
        """Return an element as HTML; empty if it is left out."""
        self._count += 1
        written = self._written(element, where, depth)
        if isinstance(written, Omitted):
            if written.reason:
                self._builder.drop(where, written.reason)
            return ""
        self._chars += len(written)
        return written

    def _written(self, element: object, where: str, depth: int) -> str | Omitted:
        if self._count > _MAX_ELEMENTS or self._chars > _MAX_BODY_CHARS or depth > _MAX_DEPTH:
            return Omitted("the body has too many or too deeply nested elements")
        if not isinstance(element, dict):
            return Omitted("is not an object")
        if reason := _restriction_of(element):
            return Omitted(reason)
        self._report_comments(element, where)
        kind = (text_of(element.get("type")) or "").lower()
        if kind in LEAVES:
            return LEAVES[kind](element)
        if kind in self._containers:
            return self._containers[kind](element, where, depth)
        self._builder.warn(f"an element of the unknown kind {kind[:40]!a} was left out of the body")
        return Omitted(f"is of the unknown kind {kind[:40]!a}")

    def _report_comments(self, element: Item, where: str) -> None:
        properties = element.get("additional_properties")
        for name in _COMMENTS:
            if isinstance(properties, dict) and properties.get(name):
                self._builder.drop(where + pointer("additional_properties", name), "comments are never published")

    def _inner(self, element: Item, where: str, depth: int) -> str:
        elements = element.get("content_elements")
        if not isinstance(elements, list):
            return ""
        return "\n".join(self.blocks(elements, where + pointer("content_elements"), depth + 1))

    def _group(self, element: Item, where: str, depth: int) -> str | Omitted:
        return self._inner(element, where, depth) or Omitted("is empty")

    def _quote(self, element: Item, where: str, depth: int) -> str | Omitted:
        content = content_of(element)
        words = paragraph(content) if isinstance(content, str) else self._inner(element, where, depth)
        if not words:
            return Omitted("has no text")
        citation = element.get("citation")
        source = text_of(citation.get("content") if isinstance(citation, dict) else citation)
        cite = f"<p><cite>{source}</cite></p>" if source else ""
        return f"<blockquote>{words}{cite}</blockquote>"

    def _image(self, element: Item, where: str, _: int) -> str | Omitted:
        picture = picture_of(element, where)
        if not picture.files:
            return Omitted("has no address")
        self.parts.pictures.append(picture)
        return figure_of(picture)

    def _correction(self, element: Item, where: str, _: int) -> str | Omitted:
        text = line_of(element.get("text"))
        if text:
            self.parts.corrections.append((text, where + pointer("text")))
        return Omitted("" if text else "has no text")

    def _list(self, element: Item, where: str, depth: int) -> str | Omitted:
        tag = "ol" if (text_of(element.get("list_type")) or "").lower() == "ordered" else "ul"
        entries: list[str] = []
        for here, item in _items_of(element, where):
            block = self.block(item, here, depth + 1)
            if block and entries and isinstance(item, dict) and item.get("type") == "list":
                entries[-1] += block  # a list inside a list belongs to the item before it
            elif block:
                entries.append(without_paragraph(block))
        if not entries:
            return Omitted("is empty")
        return f"<{tag}>{''.join(f'<li>{entry}</li>' for entry in entries)}</{tag}>"

    def _link_list(self, element: Item, where: str, depth: int) -> str | Omitted:
        entries = []
        for here, item in _items_of(element, where):
            block = without_paragraph(self.block(item, here, depth + 1))
            if not block or not isinstance(item, dict):
                continue
            description = item.get("description")
            words = text_of(description.get("content")) if isinstance(description, dict) else None
            entries.append(f"<li>{block}{f'<p>{words}</p>' if words else ''}</li>")
            if item.get("image"):
                self._builder.drop(here + pointer("image"), "pictures of links are not shown")
        if not entries:
            return Omitted("is empty")
        title = text_of(element.get("title"))
        head = f"<p><strong>{html.escape(title, quote=False)}</strong></p>" if title else ""
        return f"{head}<ul>{''.join(entries)}</ul>"

    def _table(self, element: Item, where: str, depth: int) -> str | Omitted:
        header = self._row(element.get("header"), where + pointer("header"), "th", depth)
        rows = element.get("rows")
        numbered = enumerate(rows if isinstance(rows, list) else ())
        body = "".join(self._row(row, where + pointer("rows", index), "td", depth) for index, row in numbered)
        if not header and not body:
            return Omitted("is empty")
        head = f"<thead>{header}</thead>" if header else ""
        return f"<table>{head}<tbody>{body}</tbody></table>"

    def _row(self, row: object, where: str, tag: str, depth: int) -> str:
        cells = row.get("cells") if isinstance(row, dict) else row
        if not isinstance(cells, list) or not cells:
            return ""
        texts = [self._cell(cell, where + pointer(index), depth) for index, cell in enumerate(cells)]
        return f"<tr>{''.join(f'<{tag}>{text}</{tag}>' for text in texts)}</tr>"

    def _cell(self, cell: object, where: str, depth: int) -> str:
        """Return the content of a cell; an empty cell keeps its column."""
        if isinstance(cell, str | int | float) and not isinstance(cell, bool):
            return html.escape(str(cell)[:_MAX_CELL_CHARS], quote=False)
        if isinstance(cell, dict) and isinstance(cell.get("content_elements"), list):
            return without_paragraph(self._inner(cell, where, depth + 1))
        return without_paragraph(self.block(cell, where, depth + 1))


def _items_of(element: Item, where: str) -> Iterable[tuple[str, object]]:
    items = element.get("items")
    return [
        (where + pointer("items", index), item) for index, item in enumerate(items if isinstance(items, list) else ())
    ]


def _is_for_other_channels(element: Item) -> bool:
    """Return whether an element names channels and a web page is none of them."""
    channels = element.get("channels")
    names = [text_of(each) for each in channels] if isinstance(channels, list) else []
    return bool(names) and all(name is not None and name.lower() in _OTHER_CHANNELS for name in names)


def _restriction_of(element: Item) -> str:
    """Return the reason why an element alone is not on the public page; empty if it is."""
    if _is_for_other_channels(element):
        return "is visible in other channels only, by its own list"
    restrictions = element.get("content_restrictions")
    code = restrictions.get("content_code") if isinstance(restrictions, dict) else restrictions
    return "" if is_public_code(code) else f"its content code is {str(code)[:40]!a}; only free content becomes public"
