"""The authors of an entry or a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.syndication.entry import Person
from services.ingest.adapters.readers.syndication.titles import headline_of

_MAIL = re.compile(r"[^\s@<>()\[\]\"',;]{1,80}@[^\s@<>()\[\]\"',;]{1,200}")
_BRACKETS = re.compile(r"^\s*[<(\[]?\s*[>)\]]?\s*[(\[](?P<name>[^()\[\]]{1,200})[)\]]\s*$")
_BY = re.compile(r"^(?:by|von|par|por|di)\s+(?=\S)", re.IGNORECASE)
_ADDRESS = re.compile(r"^https?://", re.IGNORECASE)
_LIST = re.compile(r",|;|/|\s(?:and|und|et|y|e|&)\s|\s[-|\u2013\u2014]\s")
_MAX_NAME_WORDS, _MAX_PEOPLE = 6, 51
_NO_NAMES = frozenset({"admin", "administrator", "editor", "unknown", "noreply", "none", "author", "webmaster"})


def set_people(builder: ArticleBuilder, people: Sequence[Person]) -> None:
    """Set the authors, and a byline where a text names more than one person or adds other words.

    Mail addresses are contact details and never published.
    """
    lines: list[str] = []
    is_free_text = False
    for person in people[:_MAX_PEOPLE]:
        name = name_of(person.name)
        if not name:
            builder.drop(person.where, "has no name; contact details and addresses are never published")
            continue
        if name in lines:
            builder.confirm(person.where)
            continue
        lines.append(name)
        plain = _BY.sub("", name)
        if plain != name or _LIST.search(plain) or len(plain.split()) > _MAX_NAME_WORDS:
            is_free_text = True
            builder.confirm(person.where)
        else:
            builder.add_entry("authors", {"name": plain, "uri": person.uri}, person.where)
    if is_free_text:
        builder.set_field("byline", ", ".join(lines), people[0].where)


def name_of(text: str) -> str:
    """Return a name without its mail address: `desk@a.example (Ada Marlow)` gives `Ada Marlow`; empty if none is left.

    Words that are no name, such as `admin`, give an empty text too.
    """
    line = headline_of(text)[:400]
    if _ADDRESS.match(line):
        return ""
    rest = _MAIL.sub(" ", line)
    if rest != line:
        found = _BRACKETS.match(rest)
        rest = found["name"] if found else rest
        rest = rest.replace("<>", "").replace("()", "").replace("mailto:", "").strip(" \t,;<>()[]\"'")
    name = " ".join(rest.split())
    return "" if name.casefold() in _NO_NAMES else name
