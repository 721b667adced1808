"""Section and keywords of an entry, from its categories."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_section
from services.ingest.adapters.readers.syndication.entry import SentEntry
from services.ingest.adapters.readers.syndication.titles import headline_of
from shared.site.sites import Site

_NO_CATEGORIES = frozenset({"uncategorized", "uncategorised"})
_MAX_KEYWORD_CHARS = 100
_MAX_WORDS = 500


def set_section_and_keywords(builder: ArticleBuilder, entry: SentEntry, site: Site) -> None:
    """Set the section to the first one that a category names; all other categories become keywords."""
    has_section = False
    for part in entry.categories[:_MAX_WORDS]:
        word = headline_of(part.value)
        if not word:
            continue
        section = None if has_section else find_section(site, (word,))
        if section:
            builder.set_field("section", section, part.where)
            has_section = True
        elif word.casefold() in _NO_CATEGORIES:
            builder.drop(part.where, "is the sender's word for no category")
        else:
            _add_keyword(builder, word, part.where)
    if not has_section:
        builder.default_section("no category names a section")
    for part in entry.keywords[:_MAX_WORDS]:
        for each in part.value.split(",")[:_MAX_WORDS]:
            if word := headline_of(each):
                _add_keyword(builder, word, part.where)


def _add_keyword(builder: ArticleBuilder, word: str, where: str) -> None:
    if len(builder.values.get("keywords", ())) >= _MAX_WORDS:
        return
    if len(word) > _MAX_KEYWORD_CHARS:
        builder.drop(where, f"has more than {_MAX_KEYWORD_CHARS} characters")
    elif word not in builder.values.get("keywords", ()):
        builder.add_entry("keywords", word, where)
    else:
        builder.confirm(where)
