"""The tree of components of a NewsML 1.x item: the text, the lines around it, and its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from services.ingest.adapters.readers.elements import attribute, children, find, first_children, line_in, name_of

_TEXT_ROLES = {
    "body": 0,
    "main": 0,
    "main text": 0,
    "maintext": 0,
    "text": 0,
    "article": 0,
    "": 1,
    "full": 1,
    "long": 1,
}
_LEAD_ROLES = frozenset(("lead", "abstract", "summary", "intro", "teaser", "standfirst"))
_TITLE_ROLES = frozenset(("title", "headline"))
_CONTACT_ROLES = frozenset(("contact", "contacts", "presscontact"))
_CAPTION_ROLES = frozenset(("caption",))
_PICTURE_ROLES = frozenset(("photo", "picture", "image", "graphic", "main picture"))
_PICTURE_TYPES = frozenset(("photo", "picture", "image", "graphic"))
_SHORT_ROLES = frozenset(("short", "brief"))
_MAX_ITEMS = 300
_MAX_ANCESTORS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A content item. `role` is that of its component; `chain` has its components, the innermost first."""

    element: etree._Element
    role: str
    chain: tuple[etree._Element, ...]
    language: str

    @property
    def data(self) -> etree._Element | None:
        """Return the element with the data, if it has a text."""
        data = find(self.element, "DataContent")
        return data if data is not None and line_in(data) else None

    @property
    def is_picture(self) -> bool:
        """Return whether the item is a picture in a file of its own."""
        if attribute(self.element, "Href") is None:
            return False
        kind = formal_name(find(self.element, "MimeType"))
        media = formal_name(find(self.element, "MediaType"))
        return kind.startswith("image/") or media in _PICTURE_TYPES

    @property
    def picture_component(self) -> etree._Element:
        """Return the component of the picture, which also holds its caption and its other sizes."""
        named = (each for each in self.chain if role_of(each) in _PICTURE_ROLES)
        return next(named, self.chain[0] if self.chain else self.element)


@dataclass(slots=True)
class Components:
    """The parts of an item: `text` is the chosen one, `lead` and `title` belong to it."""

    text: Part | None = None
    lead: Part | None = None
    title: Part | None = None
    contacts: list[Part] = field(default_factory=list)
    pictures: list[Part] = field(default_factory=list)
    other_texts: list[Part] = field(default_factory=list)
    language: str = ""


def formal_name(element: etree._Element | None) -> str:
    """Return the formal name of an element in lower case, otherwise its text."""
    return (attribute(element, "FormalName") or line_in(element) or "").strip().lower()


def role_of(component: etree._Element) -> str:
    """Return the role of a component in lower case; empty if there is none."""
    return formal_name(find(component, "Role"))


def language_of(component: etree._Element) -> str:
    """Return the language that a component states, otherwise an empty text."""
    stated = find(component, "DescriptiveMetadata", "Language")
    return attribute(stated, "FormalName") or attribute(component, "lang") or ""


def read_components(item: etree._Element) -> Components:
    """Return the parts of an item; the text is the body in the item's language, the full one before a short one."""
    parts = list(_parts_of(item))
    found = Components()
    found.contacts = [each for each in parts if _has_role(each, _CONTACT_ROLES)]
    found.pictures = [each for each in parts if each.is_picture]
    texts = [each for each in parts if each.role in _TEXT_ROLES and _is_text(each, found)]
    main = next((language for each in children(item, "NewsComponent") if (language := language_of(each))), "")
    found.text = min(texts, key=lambda each: _order(each, main), default=None)
    if found.text is None:
        return found
    found.other_texts = [each for each in texts if each is not found.text]
    found.language = found.text.language
    beside = [each for each in parts if each.data is not None and _shares_component(each, found.text)]
    found.lead = next((each for each in beside if each.role in _LEAD_ROLES), None)
    found.title = next((each for each in beside if each.role in _TITLE_ROLES), None)
    return found


def _parts_of(item: etree._Element) -> Iterator[Part]:
    components = [item, *_some(item.iter("{*}NewsComponent"))]
    count = 0
    for component in components:
        contents, _ = first_children(component, "ContentItem", limit=_MAX_ITEMS - count)
        count += len(contents)
        if not contents:
            continue
        chain = tuple(_chain_of(component))
        language = next((tag for each in chain if (tag := language_of(each))), "")
        role = role_of(component) if component is not item else ""
        for content in contents:
            yield Part(content, role, chain, language)
        if count >= _MAX_ITEMS:
            return


def _some(found: Iterator[etree._Element]) -> Iterator[etree._Element]:
    for number, each in enumerate(found):
        if number >= _MAX_ITEMS:
            return
        yield each


def _chain_of(component: etree._Element) -> Iterator[etree._Element]:
    """Yield a component and the components around it, and at last the item."""
    node: etree._Element | None = component
    for _ in range(_MAX_ANCESTORS):
        if node is None:
            return
        if name_of(node) in ("NewsComponent", "NewsItem"):
            yield node
        if name_of(node) == "NewsItem":
            return
        node = node.getparent()


def _has_role(part: Part, roles: frozenset[str]) -> bool:
    return any(role_of(each) in roles for each in part.chain)


def _is_text(part: Part, found: Components) -> bool:
    media = formal_name(find(part.element, "MediaType"))
    kind = formal_name(find(part.element, "MimeType"))
    if part.data is None or media not in ("", "text", "complexdata") or kind.startswith(("image/", "text/css")):
        return False
    is_caption = _has_role(part, _CAPTION_ROLES | _PICTURE_ROLES)
    return not is_caption and part not in found.contacts


def _order(part: Part, language: str) -> tuple[bool, bool, int]:
    is_other = bool(language) and part.language.lower()[:2] != language.lower()[:2]
    return is_other, _has_role(part, _SHORT_ROLES), _TEXT_ROLES[part.role]


def _shares_component(part: Part, text: Part) -> bool:
    around = text.chain[1] if len(text.chain) > 1 and name_of(text.chain[1]) == "NewsComponent" else text.chain[0]
    return around in part.chain


def captions_in(component: etree._Element) -> str | None:
    """Return the caption of a picture: of its caption component, otherwise of its lines."""
    for inner in _some(component.iter("{*}NewsComponent")):
        if role_of(inner) in _CAPTION_ROLES and (line := line_in(inner, "ContentItem", "DataContent")):
            return line
    lines = find(component, "NewsLines")
    return line_in(lines, "CaptionLine") or line_in(lines, "HeadLine") or line_in(lines, "SlugLine")
