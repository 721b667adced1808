"""Headlines, descriptions and bodies of a ninjs item: lists whose entries differ by role and content type."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import set_body
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.values import tail_of, text_of
from services.ingest.domain import prose
from shared.model.text import collapsed

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "html5", "xhtml", "text/xhtml", "text/html5"})
_HTML_ROLES = frozenset({"html", "html5", "xhtml"})
_HEADLINE_ROLES = ("main", "headline")
_BODY_ROLES = ("main", "html", "html5", "xhtml", "text")
_KICKER_ROLES = ("kicker", "eyebrow", "overline", "overtitle")
_STANDFIRST_ROLES = ("summary", "standfirst", "dek", "teaser", "abstract", "main", "text", "html")
_PICTURE_ROLES = ("caption", "creditline", "alt")
_CORRECTION_ROLES = ("correction", "correctionnote", "correction_note", "clarification")
_FIELDS = frozenset({"role", "contenttype", "value", "charcount", "wordcount"})
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


def texts_in(item: Part, name: str, builder: ArticleBuilder) -> list[Text]:
    """Return the entries with a text, in document order."""
    found = []
    for entry in item.texts(name, builder):
        value = entry.text("value")
        entry.drop_others(_FIELDS, builder, _NOT_USED)
        if value is None:
            builder.drop(entry.where, "has no text")
            continue
        kind = (entry.text("contenttype") or "").partition(";")[0].strip().lower()
        role = role_of(entry)
        found.append(Text(entry.where, role, kind in _HTML_TYPES or (not kind and role in _HTML_ROLES), value))
    return found


def role_of(entry: Part) -> str:
    """Return a role in lower case without its vocabulary: `drol:summary` is `summary`."""
    return tail_of(entry.text("role") or "").lower()


def with_role(texts: list[Text], roles: tuple[str, ...]) -> Text | None:
    """Return the first text with one of the roles; earlier roles win."""
    return next((text for role in roles for text in texts if text.role == role), None)


def read_headline(item: Part, builder: ArticleBuilder) -> None:
    """Read the main headline, otherwise the first, otherwise the title."""
    texts = texts_in(item, "headlines", builder)
    kicker = with_role(texts, _KICKER_ROLES)
    others = [text for text in texts if text is not kicker]
    chosen = with_role(others, _HEADLINE_ROLES) or next(iter(others), None)
    title = item.text("title")
    builder.expect("headline", item.pointer_to("headline" if item.has("headline") else "headlines"))
    if kicker:
        builder.set_field("kicker", kicker.plain_text, kicker.where)
    if chosen:
        builder.set_field("headline", chosen.plain_text, chosen.where)
    elif title:
        builder.set_field("headline", title, item.pointer_to("title"))
    for text in others:
        if text is not chosen:
            builder.drop(text.where, "another headline is used instead")
    if chosen and title:
        if title == chosen.plain_text:
            builder.confirm(item.pointer_to("title"))
        else:
            builder.drop(item.pointer_to("title"), "the headline is used instead")


def read_standfirst(item: Part, builder: ArticleBuilder) -> None:
    """Read the summary, otherwise the first description that is not a picture's; and the public correction note."""
    texts = texts_in(item, "descriptions", builder)
    correction = with_role(texts, _CORRECTION_ROLES)
    if correction:
        builder.set_field("correction_note", correction.plain_text, correction.where)
    candidates = [text for text in texts if text.role not in (*_PICTURE_ROLES, *_CORRECTION_ROLES)]
    chosen = with_role(candidates, _STANDFIRST_ROLES) or next(iter(candidates), None)
    if chosen:
        builder.set_field("standfirst", chosen.plain_text, chosen.where)
    for text in texts:
        if text is not chosen and text is not correction:
            builder.drop(text.where, _reason_unused(text, chosen))


def _reason_unused(text: Text, chosen: Text | None) -> str:
    if chosen is None:
        return "belongs to a picture"
    is_same = chosen.plain_text == text.plain_text
    return "is another form of the standfirst" if is_same else "another description is used instead"


def read_body(item: Part, builder: ArticleBuilder) -> None:
    """Read the HTML body, otherwise make paragraphs of the plain text."""
    texts = texts_in(item, "bodies", builder)
    in_html = [text for text in texts if text.is_html]
    candidates = in_html or texts
    chosen = with_role(candidates, _BODY_ROLES) or next(iter(candidates), None)
    builder.expect("body", item.pointer_to("bodies"))
    for text in texts:
        if text is not chosen:
            builder.drop(text.where, "another form of the text is used instead")
    if chosen is None:
        return
    set_body(builder, chosen.value, chosen.where, is_html=chosen.is_html)


def text_in(value: object) -> str | None:
    """Return a text as one line without tags, or None; for fields that have no content type."""
    text = text_of(value)
    if text is None:
        return None
    return (prose.plain(text) if prose.has_tags(text) else collapsed(text)) or None
