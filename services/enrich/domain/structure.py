"""Makes an article's body of sanitised markup: sub-heads with anchors, tables that scroll, links in place of frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.anchors import lift_targets, resolve_links
from services.enrich.domain.embeds import link_embeds
from services.enrich.domain.formulas import write_formulas
from services.enrich.domain.paragraphs import normalise_blocks
from services.enrich.domain.pictures import frame_pictures, place_pictures
from services.enrich.domain.tree import Element
from shared.model.article import Embed, Picture, SubHead
from shared.model.slug import slug_of
from shared.model.text import cut_text

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SHALLOWEST, _DEEPEST = 2, 4
_NON_PUBLIC = frozenset(("np-nonpublic", "nonpublic", "non-public"))
_DROPPED = "dropped"
_MAX_ANCHOR_CHARS = 60
_THEMES_PREFIX = "epn-"  # of the ids of a page
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MAX_NAMED_PICTURES, _MAX_NAMED_CHARS = 20, 80
_NO_PICTURES: Mapping[str, Picture] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Structured:
    """A body in its final form, before nh3's last word, and what was found on the way."""

    html: str
    outline: tuple[SubHead, ...]
    embeds: tuple[Embed, ...]
    warnings: tuple[str, ...]


def structure(html: str, base_url: str | None = None, *, pictures: Mapping[str, Picture] = _NO_PICTURES) -> Structured:
    """Return the body that nh3 wrote as an article's body.

    Relative addresses resolve against `base_url`; `pictures` are those that can be shown, by digest.
    """
    root = tree.parse(html)
    warnings = []
    if notes := _remove_non_public(root):
        warnings.append(f"left out of the body: {notes} part(s) marked as not public")
    warnings += place_pictures(root, pictures)
    _drop_classes(root)
    _name_languages(root)
    if formulas := write_formulas(root):
        warnings.append(f"left out of the body: {formulas} formula(s) without text")
    lost_links = resolve_links(root, base_url)
    embeds, lost = link_embeds(root)
    if lost:
        named = ", ".join(lost[:_MAX_NAMED_PICTURES])
        warnings.append(f"left out of the body: {len(lost)} player(s) without an http or https address: {named}")
    normalise_blocks(root)
    frame_pictures(root, pictures)
    outline = _anchor_headings(root)
    _make_tables_scroll(root)
    dead_links = lift_targets(root)
    if lost_links or dead_links:
        warnings.append(_about_links(lost_links, len(lost_links) + dead_links, base_url))
    for block in root:
        block.tail = "\n"
    return Structured(tree.serialise(root), outline, tuple(embeds), tuple(warnings))


def _remove_non_public(root: Element) -> int:
    """Take out editors' notes with all they hold: they name people and their telephones (dpa's np-nonpublic)."""
    found = [element for element in root.iter() if _has_class(element, _NON_PUBLIC)]
    _drop(root, found)
    return len(found)


def _has_class(element: Element, names: frozenset[str]) -> bool:
    value = element.get("class")
    return value is not None and not names.isdisjoint(value.lower().split())


def _drop(root: Element, elements: list[Element]) -> None:
    """Take elements out with all they hold, in one pass; the text after them stays."""
    for element in elements:
        element.tag = _DROPPED
    etree.strip_elements(root, _DROPPED, with_tail=False)


def _name_languages(root: Element) -> None:
    """Write the language of XHTML (`xml:lang`) as HTML's `lang`."""
    for element in root.iter():
        language = element.attrib.pop(_XML_LANG, "")
        if language and "lang" not in element.attrib:
            element.set("lang", str(language))


def _about_links(lost: list[str], count: int, base_url: str | None) -> str:
    """Return a warning about links that lead nowhere; their words are in the body."""
    named = ", ".join(
        cut_text(address or '""', _MAX_NAMED_CHARS) for address in dict.fromkeys(lost[:_MAX_NAMED_PICTURES])
    )
    is_relative = any(address and not address.startswith("#") and "//" not in address for address in lost)
    advice = "; relative addresses need canonical_url" if is_relative and not base_url else ""
    return f"left out of the body: the address of {count} link(s){': ' if named else ''}{named}{advice}"


def _drop_classes(root: Element) -> None:
    for element in root.iter():
        element.attrib.pop("class", "")


def _anchor_headings(root: Element) -> tuple[SubHead, ...]:
    """Give each sub-head an id, and levels without a gap: the page's only h1 is its headline."""
    headings = list(root.iter(*_HEADINGS))
    depths = sorted({int(str(heading.tag)[1]) for heading in headings})
    outline: list[SubHead] = []
    taken: dict[str, int] = {}
    for heading in headings:
        level = min(_SHALLOWEST + depths.index(int(str(heading.tag)[1])), _DEEPEST)
        text = tree.text_of(heading)
        anchor = _free_anchor(text, len(outline) + 1, taken)
        heading.tag = f"h{level}"
        heading.set("id", anchor)
        outline.append(SubHead(level=level, text=text, anchor=anchor))
    return tuple(outline)


def _free_anchor(text: str, number: int, taken: dict[str, int]) -> str:
    wanted = slug_of(text, otherwise=f"section-{number}", max_chars=_MAX_ANCHOR_CHARS)
    if wanted.startswith(_THEMES_PREFIX):
        wanted = f"section-{wanted}"
    anchor = wanted
    while anchor in taken:
        taken[wanted] += 1
        anchor = f"{wanted}-{taken[wanted]}"
    taken[anchor] = 1
    return anchor


def _make_tables_scroll(root: Element) -> None:
    """Put each outermost table into a box that a reader can scroll, by keyboard too; a caption names the box."""
    for table in list(root.iter("table")):
        if next(table.iterancestors("table"), None) is not None:
            continue
        box = etree.Element("div", {"class": "table-scroll", "tabindex": "0"})
        caption = table.find("caption")
        if caption is not None and (name := tree.text_of(caption)):
            box.set("role", "group")  # no landmark: two tables may have one caption
            box.set("aria-label", name)
        tree.wrap(table, box)
