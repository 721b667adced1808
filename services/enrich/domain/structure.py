"""Makes an article's body of sanitised markup: sub-heads with anchors, tables that scroll, links in place of frames."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.embeds import link_embeds
from services.enrich.domain.paragraphs import settle
from services.enrich.domain.slug import slug_of
from services.enrich.domain.tree import Element
from shared.article import Embed, SubHead

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SHALLOWEST, _DEEPEST = 2, 4
_NON_PUBLIC = frozenset(("np-nonpublic", "nonpublic", "non-public"))
_PICTURE_BOXES = frozenset(("media-block",))  # Superdesk's older box around a picture and its caption
_MAX_ANCHOR_CHARS = 60


@dataclass(frozen=True, slots=True)
class Structured:
    """A body in its final form, before nh3's last word, and what was found on the way."""

    html: str
    outline: tuple[SubHead, ...]
    embeds: tuple[Embed, ...]
    warnings: tuple[str, ...]


def structure(html: str) -> Structured:
    """Return the body that nh3 wrote as an article's body."""
    root = tree.parse(html)
    warnings = []
    if notes := _remove_non_public(root):
        warnings.append(f"left out of the body: {notes} part(s) marked as not public")
    if pictures := _remove_pictures(root):
        warnings.append(f"left out of the body: {pictures} picture(s); send them as media, and name them in `pictures`")
    _drop_classes(root)
    embeds, lost = link_embeds(root)
    if lost:
        warnings.append(f"left out of the body: {lost} frame(s) without an http or https address")
    settle(root)
    outline = _anchor_headings(root)
    _make_tables_scroll(root)
    for block in root:
        block.tail = "\n"
    return Structured(tree.serialise(root), outline, tuple(embeds), tuple(warnings))


def _classes(element: Element) -> set[str]:
    return set((element.get("class") or "").lower().split())


def _remove_non_public(root: Element) -> int:
    """Take out editors' notes with all they hold: they name people and their telephones (dpa's np-nonpublic)."""
    found = [element for element in root.iter() if _classes(element) & _NON_PUBLIC]
    for element in found:
        tree.remove(element)
    return len(found)


def _remove_pictures(root: Element) -> int:
    """Take out pictures, whose addresses in wires are signed and expire, and boxes that held nothing else."""
    boxes = [element for element in root.iter() if element.tag == "figure" or _classes(element) & _PICTURE_BOXES]
    pictures = list(root.iter("img"))
    for box in boxes:
        captions = list(box.iter("figcaption"))
        words = len(tree.text_of(box)) - sum(len(tree.text_of(caption)) for caption in captions)
        holds_only_a_picture = next(box.iter("img"), None) is not None and next(box.iter("iframe"), None) is None
        if holds_only_a_picture and (box.tag != "figure" or words <= len(captions)):
            tree.remove(box)
    for picture in pictures:
        tree.remove(picture)
    return len(pictures)


def _drop_classes(root: Element) -> None:
    for element in root.iter():
        element.attrib.pop("class", "")


def _anchor_headings(root: Element) -> tuple[SubHead, ...]:
    """Give each sub-head an id, and levels without a gap: the page's only h1 is its headline."""
    headings = list(root.iter(*_HEADINGS))
    depths = sorted({int(str(heading.tag)[1]) for heading in headings})
    outline: list[SubHead] = []
    taken: set[str] = set()
    for heading in headings:
        level = min(_SHALLOWEST + depths.index(int(str(heading.tag)[1])), _DEEPEST)
        text = tree.text_of(heading)
        anchor = _free_anchor(text, len(outline) + 1, taken)
        heading.tag = f"h{level}"
        heading.set("id", anchor)
        outline.append(SubHead(level=level, text=text, anchor=anchor))
    return tuple(outline)


def _free_anchor(text: str, number: int, taken: set[str]) -> str:
    wanted = slug_of(text, otherwise=f"section-{number}", max_chars=_MAX_ANCHOR_CHARS)
    anchor, n = wanted, 1
    while anchor in taken:
        n += 1
        anchor = f"{wanted}-{n}"
    taken.add(anchor)
    return anchor


def _make_tables_scroll(root: Element) -> None:
    """Put each outermost table into a box that a reader can scroll, by keyboard too; a caption names the box."""
    for table in list(root.iter("table")):
        if next(table.iterancestors("table"), None) is not None:
            continue
        box = etree.Element("div", {"class": "table-scroll", "tabindex": "0"})
        caption = table.find("caption")
        if caption is not None and (name := tree.text_of(caption)):
            box.set("role", "region")
            box.set("aria-label", name)
        tree.wrap(table, box)
