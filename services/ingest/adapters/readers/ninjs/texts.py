"""Headlines, descriptions and bodies of a ninjs item: lists whose entries differ by role and content type."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import set_body
from services.ingest.adapters.readers.values import Item, drop_others, objects_in, tail_of, text_of
from services.ingest.domain import prose
from shared.model.text import collapsed

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "html5", "xhtml", "text/xhtml", "text/html5"})
_MAIN_ROLES = ("main", "headline", "html", "xhtml", "html5")
_KICKER_ROLES = ("kicker", "eyebrow", "overline")
_STANDFIRST_ROLES = ("summary", "standfirst", "dek", "teaser", "abstract", "text")
_PICTURE_ROLES = ("caption", "creditline", "alt")
_FIELDS = frozenset({"role", "contentType", "value", "charCount", "wordCount"})
_NOT_USED = "is not used"


@dataclass(frozen=True, slots=True)
class Text:
    """One entry of a list of texts."""

    where: str
    role: str
    is_html: bool
    value: str

    @property
    def plain_text(self) -> str:
        """Return the value as one line of plain text."""
        return prose.plain(self.value) if self.is_html else collapsed(self.value)


def texts_in(item: Item, name: str, builder: ArticleBuilder, where: str = "") -> list[Text]:
    """Return the entries with a text, in document order."""
    found = []
    for here, entry in objects_in(item, name, builder, where):
        value = text_of(entry.get("value"))
        drop_others(entry, _FIELDS, builder, here, _NOT_USED)
        if value is None:
            builder.drop(here, "has no text")
            continue
        kind = (text_of(entry.get("contentType")) or "").partition(";")[0].strip().lower()
        found.append(Text(here, role_of(entry), kind in _HTML_TYPES, value))
    return found


def role_of(entry: Item) -> str:
    """Return a role in lower case without its vocabulary: `drol:summary` is `summary`."""
    return tail_of(text_of(entry.get("role")) or "").lower()


def with_role(texts: list[Text], roles: tuple[str, ...]) -> Text | None:
    """Return the first text with one of the roles; earlier roles win."""
    return next((text for role in roles for text in texts if text.role == role), None)


def read_headline(item: Item, builder: ArticleBuilder) -> None:
    """Read the main headline, otherwise the first, otherwise the title."""
    texts = texts_in(item, "headlines", builder)
    kicker = with_role(texts, _KICKER_ROLES)
    others = [text for text in texts if text is not kicker]
    chosen = with_role(others, _MAIN_ROLES) or next(iter(others), None)
    title = text_of(item.get("title"))
    builder.expect("headline", "/headlines")
    if kicker:
        builder.set_field("kicker", kicker.plain_text, kicker.where)
    if chosen:
        builder.set_field("headline", chosen.plain_text, chosen.where)
    elif title:
        builder.set_field("headline", title, "/title")
    for text in others:
        if text is not chosen:
            builder.drop(text.where, "another headline is used instead")
    if chosen and title:
        if title == chosen.plain_text:
            builder.confirm("/title")
        else:
            builder.drop("/title", "the headline is used instead")


def read_standfirst(item: Item, builder: ArticleBuilder) -> None:
    """Read the summary, otherwise the first description that is not a picture's."""
    texts = texts_in(item, "descriptions", builder)
    candidates = [text for text in texts if text.role not in _PICTURE_ROLES]
    chosen = with_role(candidates, _STANDFIRST_ROLES) or next(iter(candidates), None)
    if chosen:
        builder.set_field("standfirst", chosen.plain_text, chosen.where)
    for text in texts:
        if text is not chosen:
            builder.drop(text.where, "another description is used instead" if chosen else "belongs to a picture")


def read_body(item: Item, builder: ArticleBuilder) -> None:
    """Read the HTML body, otherwise make paragraphs of the plain text."""
    texts = texts_in(item, "bodies", builder)
    in_html = [text for text in texts if text.is_html]
    candidates = in_html or texts
    chosen = with_role(candidates, _MAIN_ROLES) or next(iter(candidates), None)
    builder.expect("body", "/bodies")
    for text in texts:
        if text is not chosen:
            builder.drop(text.where, "another form of the text is used instead")
    if chosen is None:
        return
    set_body(builder, chosen.value, chosen.where, is_html=chosen.is_html)
