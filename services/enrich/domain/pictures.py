"""Pictures in a body: a picture with known bytes is shown; each other picture is removed and named to the sender.

No page loads a picture from another site: addresses in wires are signed and expire, and a request there would expose
the reader's visit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.tree import Element
from shared.model.addresses import media_named_by, picture_path
from shared.model.article import Picture
from shared.site.keys import url_path

_BOXES = frozenset(("media-block",))  # Superdesk's older box around a picture and its caption
_MORE_THAN_A_CAPTION = (
    *("audio", "blockquote", "dl", "embed", "figure", "iframe", "object", "oembed", "ol", "pre", "table", "ul"),
    "video",
)
_MAX_NAMED_PICTURES = 20
_MAX_NAME_CHARS = 200
_SOURCE_ATTRIBUTE = "src"
_GAP_REPLACEMENTS = (
    (re.compile(r"\(\s*\)"), ""),
    (re.compile(r"([,;:])\s+(?=[,;:.!?])"), ""),
    (re.compile(r"\s{2,}"), " "),
)


def place_pictures(root: Element, pictures: Mapping[str, Picture]) -> list[str]:
    """Write each known picture as a page shows it, and remove the others; return the warnings about removed pictures.

    `pictures`: the pictures with known bytes and dimensions, by digest. The caption of a removed picture is removed
    too. Within a sentence the alternative text replaces the picture.
    """
    missing = [picture for picture in list(root.iter("img")) if not _write_picture(picture, pictures)]
    names = [_name_of(picture) for picture in missing]
    boxes = dict.fromkeys(box for picture in missing if (box := _box_around(picture)) is not None)
    for picture in missing:
        _remove_picture(picture)
    captions = []
    for box in boxes:
        if _holds_only_a_caption(box):
            captions.append(tree.text_of(box))
            tree.remove(box)
    return _warnings(names, [caption for caption in captions if caption])


def frame_pictures(root: Element, pictures: Mapping[str, Picture]) -> None:
    """Put a figure around each picture that is alone in its block; without a caption, use the gallery's caption."""
    for block in list(root.iter("p")):
        if not tree.text_of(block) and (images := list(block.iter("img"))):
            _replace_by_figures(block, images)
    for figure in root.iter("figure"):
        images = list(figure.iter("img"))
        if len(images) == 1 and next(figure.iter("figcaption"), None) is None:
            picture = pictures.get(media_named_by(str(images[0].get(_SOURCE_ATTRIBUTE))) or "")
            words = " ".join(filter(None, (picture.caption, picture.credit))) if picture else ""
            if words:
                etree.SubElement(figure, "figcaption").text = words


def _write_picture(element: Element, pictures: Mapping[str, Picture]) -> bool:
    """Write a picture as a page shows it; return False if the picture is unknown."""
    picture = pictures.get(media_named_by(_address_of(element)) or "")
    if picture is None:
        return False
    alt = " ".join((element.get("alt") or picture.alt or "").split())
    element.attrib.clear()
    measures = {"width": str(picture.width), "height": str(picture.height)}
    attributes = {
        _SOURCE_ATTRIBUTE: url_path(picture_path(picture)),
        **measures,
        "alt": alt,
        "loading": "lazy",
        "decoding": "async",
    }
    for name, value in attributes.items():
        element.set(name, value)
    return True


def _address_of(element: Element) -> str:
    return (element.get(_SOURCE_ATTRIBUTE) or element.get("data-src") or "").strip()


def _name_of(element: Element) -> str:
    """Return a picture's name for the sender: its address, or else its alternative text."""
    return (_address_of(element) or (element.get("alt") or "").strip() or "one without an address")[:_MAX_NAME_CHARS]


def _box_around(element: Element) -> Element | None:
    boxes = (each for each in element.iterancestors() if each.tag == "figure" or _is_box(each))
    return next(boxes, None)


def _is_box(element: Element) -> bool:
    return not _BOXES.isdisjoint((element.get("class") or "").lower().split())


def _holds_only_a_caption(box: Element) -> bool:
    """Tell whether the rest of a picture's box can only be its caption (`<figcatpion>` occurs in the wild)."""
    return next(box.iterdescendants("img", *_MORE_THAN_A_CAPTION), None) is None


def _remove_picture(element: Element) -> None:
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    text_before = (before.tail if before is not None else parent.text) or ""
    text_after = element.tail or ""
    alt = " ".join((element.get("alt") or "").split())
    if text_before.strip() and text_after.strip() and _box_around(element) is None:
        if alt:
            element.text = alt
            tree.unwrap(element)
            return
        _close_gap(element, parent, before, text_before, text_after)
    tree.remove(element)


def _close_gap(element: Element, parent: Element, before: Element | None, text_before: str, text_after: str) -> None:
    """Close the gap that a removed picture without text leaves in a sentence: `a, , b` becomes `a, b`."""
    start = text_before.rstrip()[-1:]
    if not (start in ",;:(" or text_after.lstrip()[:1] in ",;:.!?"):
        return
    joined = text_before + text_after
    for pattern, replacement in _GAP_REPLACEMENTS:
        joined = pattern.sub(replacement, joined)
    if before is not None:
        before.tail = joined
    else:
        parent.text = joined
    element.tail = None


def _replace_by_figures(block: Element, images: list[Element]) -> None:
    parent = block.getparent()
    is_in_figure = parent is not None and parent.tag == "figure"
    for picture in images:
        link = next(picture.iterancestors("a"), None)
        node = picture if link is None or len(list(link.iter("img"))) > 1 else link
        node.tail = None
        if is_in_figure:
            block.addprevious(node)
            continue
        figure = etree.Element("figure", {str(name): str(value) for name, value in block.items()})
        block.addprevious(figure)
        figure.append(node)
    tree.remove(block)


def _warnings(names: list[str], captions: list[str]) -> list[str]:
    if not names:
        return []
    named = ", ".join(names[:_MAX_NAMED_PICTURES]) + (", ..." if len(names) > _MAX_NAMED_PICTURES else "")
    words = "".join(f'; its caption "{caption[:_MAX_NAME_CHARS]}"' for caption in captions[:_MAX_NAMED_PICTURES])
    advice = 'send the bytes to POST /v1/media, write <img src="media:{digest}"> here, and send the article again'
    pictures_missing = "1 picture whose bytes are" if len(names) == 1 else f"{len(names)} pictures whose bytes are"
    return [f"left out of the body: {pictures_missing} not known here ({named}){words}; {advice}"]
