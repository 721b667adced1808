"""Converts sanitised markup into an article's body: sub-heads with anchors, scrollable tables, links for frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.anchors import move_ids_to_elements, resolve_links
from services.enrich.domain.embeds import link_embeds
from services.enrich.domain.formulas import write_formulas
from services.enrich.domain.paragraphs import normalise_blocks
from services.enrich.domain.pictures import frame_pictures, place_pictures
from services.enrich.domain.tree import Element
from shared.model.article import Embed, Picture, SubHead
from shared.model.slug import slug_of
from shared.model.text import cut_text

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_MIN_LEVEL, _MAX_LEVEL = 2, 4
_NON_PUBLIC = frozenset(("np-nonpublic", "nonpublic", "non-public"))
_DROPPED = "dropped"
_MAX_ANCHOR_CHARS = 60
_THEMES_PREFIX = "epn-"  # of the ids in a theme's templates
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MAX_NAMED_PICTURES, _MAX_NAMED_CHARS = 20, 80
_NO_PICTURES: Mapping[str, Picture] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Structured:
    """A body in its final form, before nh3's last pass, with its sub-heads, its embeds and the warnings."""

    html: str
    outline: tuple[SubHead, ...]
    embeds: tuple[Embed, ...]
    warnings: tuple[str, ...]


def structure(html: str, base_url: str | None = None, *, pictures: Mapping[str, Picture] = _NO_PICTURES) -> Structured:
    """Return the article's body for the output of nh3's first pass.

    Relative addresses resolve against `base_url`; `pictures` are the pictures that can be shown, by digest.
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
    _wrap_tables(root)
    dead_links = move_ids_to_elements(root)
    if lost_links or dead_links:
        warnings.append(_link_warning(lost_links, len(lost_links) + dead_links, base_url))
    for block in root:
        block.tail = "\n"
    return Structured(tree.serialise(root), outline, tuple(embeds), tuple(warnings))


def _remove_non_public(root: Element) -> int:
    """Remove editors' notes with their content: they name people and telephone numbers (dpa's np-nonpublic)."""
    found = [element for element in root.iter() if _has_class(element, _NON_PUBLIC)]
    _drop(root, found)
    return len(found)


def _has_class(element: Element, names: frozenset[str]) -> bool:
    value = element.get("class")
    return value is not None and not names.isdisjoint(value.lower().split())


def _drop(root: Element, elements: list[Element]) -> None:
    """Remove elements with their content, in one pass; the text after them stays."""
    for element in elements:
        element.tag = _DROPPED
    etree.strip_elements(root, _DROPPED, with_tail=False)


def _name_languages(root: Element) -> None:
    """Write the language of XHTML (`xml:lang`) as HTML's `lang`."""
    for element in root.iter():
        language = element.attrib.pop(_XML_LANG, "")
        if language and "lang" not in element.attrib:
            element.set("lang", str(language))


def _link_warning(lost: list[str], count: int, base_url: str | None) -> str:
    """Return the warning about links that lost their address; their text is in the body."""
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
    """Give each sub-head an id, and number the levels without a gap from h2: the page's only h1 is its headline."""
    headings = list(root.iter(*_HEADINGS))
    depths = sorted({int(str(heading.tag)[1]) for heading in headings})
    outline: list[SubHead] = []
    taken: dict[str, int] = {}
    for heading in headings:
        level = min(_MIN_LEVEL + depths.index(int(str(heading.tag)[1])), _MAX_LEVEL)
        text = tree.text_of(heading)
        anchor = _unused_anchor(text, len(outline) + 1, taken)
        heading.tag = f"h{level}"
        heading.set("id", anchor)
        outline.append(SubHead(level=level, text=text, anchor=anchor))
    return tuple(outline)


def _unused_anchor(text: str, number: int, taken: dict[str, int]) -> str:
    wanted = slug_of(text, otherwise=f"section-{number}", max_chars=_MAX_ANCHOR_CHARS)
    if wanted.startswith(_THEMES_PREFIX):
        wanted = f"section-{wanted}"
    anchor = wanted
    while anchor in taken:
        taken[wanted] += 1
        anchor = f"{wanted}-{taken[wanted]}"
    taken[anchor] = 1
    return anchor


def _wrap_tables(root: Element) -> None:
    """Wrap each outermost table in a box that scrolls, also by keyboard; the caption labels the box."""
    for table in list(root.iter("table")):
        if next(table.iterancestors("table"), None) is not None:
            continue
        box = etree.Element("div", {"class": "table-scroll", "tabindex": "0"})
        caption = table.find("caption")
        if caption is not None and (name := tree.text_of(caption)):
            box.set("role", "group")  # not a landmark: two tables may have the same caption
            box.set("aria-label", name)
        tree.wrap(table, box)
