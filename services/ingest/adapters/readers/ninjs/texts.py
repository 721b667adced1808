"""Headlines, descriptions and bodies: several of each, told apart by role and kind of content."""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.values import Item, leave_rest, objects_in, text_of
from services.ingest.domain import prose
from shared.model.text import collapsed

_HTML = frozenset({"text/html", "application/xhtml+xml", "html", "html5", "xhtml", "text/xhtml", "text/html5"})
_MAIN = ("main", "headline", "html", "xhtml", "html5")
_KICKERS = ("kicker", "eyebrow", "overline")
_SUMMARIES = ("summary", "standfirst", "dek", "teaser", "abstract", "text")
_NO_STANDFIRST = ("caption", "creditline", "alt")
_FIELDS = frozenset({"role", "contentType", "value", "charCount", "wordCount"})
_PART_OF_TEXT = "has no place in an article"


@dataclass(frozen=True, slots=True)
class Text:
    """One entry of such a list."""

    where: str
    role: str
    is_html: bool
    value: str

    @property
    def words(self) -> str:
        """Return it as one line of plain text."""
        return prose.plain(self.value) if self.is_html else collapsed(self.value)


def texts_in(item: Item, name: str, builder: ArticleBuilder, where: str = "") -> list[Text]:
    """Return the entries that hold a text, in the order of the document."""
    found = []
    for here, entry in objects_in(item, name, builder, where):
        value = text_of(entry.get("value"))
        leave_rest(entry, _FIELDS, builder, here, _PART_OF_TEXT)
        if value is None:
            builder.drop(here, "holds no text")
            continue
        kind = (text_of(entry.get("contentType")) or "").partition(";")[0].strip().lower()
        found.append(Text(here, role_of(entry), kind in _HTML, value))
    return found


def role_of(entry: Item) -> str:
    """Return a role without the vocabulary that it is from, in lower case: `drol:summary` is `summary`."""
    return tail_of(text_of(entry.get("role")) or "").lower()


def tail_of(identifier: str) -> str:
    """Return what follows the last separator of a URI or qcode."""
    return identifier.rstrip("/#:").replace("#", "/").replace(":", "/").rsplit("/", 1)[-1]


def with_role(texts: list[Text], roles: tuple[str, ...]) -> Text | None:
    """Return the first text that has one of the roles, the roles in the order given."""
    return next((text for role in roles for text in texts if text.role == role), None)


def keep_headline(item: Item, builder: ArticleBuilder) -> None:
    """Take the main headline, else the first, else the title."""
    texts = texts_in(item, "headlines", builder)
    kicker = with_role(texts, _KICKERS)
    others = [text for text in texts if text is not kicker]
    chosen = with_role(others, _MAIN) or next(iter(others), None)
    title = text_of(item.get("title"))
    builder.expect("headline", "/headlines")
    if kicker:
        builder.keep("kicker", kicker.words, kicker.where)
    if chosen:
        builder.keep("headline", chosen.words, chosen.where)
    elif title:
        builder.keep("headline", title, "/title")
    for text in others:
        if text is not chosen:
            builder.drop(text.where, "another headline is used")
    if chosen and title:
        if title == chosen.words:
            builder.confirm("/title")
        else:
            builder.drop("/title", "the headline is used")


def keep_standfirst(item: Item, builder: ArticleBuilder) -> None:
    """Take the summary, else the first description that is not a picture's."""
    texts = texts_in(item, "descriptions", builder)
    candidates = [text for text in texts if text.role not in _NO_STANDFIRST]
    chosen = with_role(candidates, _SUMMARIES) or next(iter(candidates), None)
    if chosen:
        builder.keep("standfirst", chosen.words, chosen.where)
    for text in texts:
        if text is not chosen:
            builder.drop(text.where, "another description is used" if chosen else "belongs to a picture")


def keep_body(item: Item, builder: ArticleBuilder) -> None:
    """Take the body in HTML, else make paragraphs of the plain text."""
    texts = texts_in(item, "bodies", builder)
    in_html = [text for text in texts if text.is_html]
    candidates = in_html or texts
    chosen = with_role(candidates, _MAIN) or next(iter(candidates), None)
    builder.expect("body", "/bodies")
    for text in texts:
        if text is not chosen:
            builder.drop(text.where, "another form of the text is used")
    if chosen is None:
        return
    markup = prose.without_controls(chosen.value)
    if len(markup) != len(chosen.value):
        builder.warn("control characters were taken out of the body")
    if not chosen.is_html:
        markup = prose.paragraphs(markup)
    elif not prose.has_tags(markup):
        builder.warn("the body says that it is HTML and has no tags; its lines became paragraphs")
        markup = prose.paragraphs(prose.unescaped(markup))
    builder.keep("body", markup, chosen.where)
