"""The enrichers, in order, and the name of the whole: the room where the next one goes.

`ENRICHER` is part of the enriched object's key, and the same name must always mean the same bytes. Raise `RULES` in the
commit that changes what any rule writes, a library's new version included; a test compares what it writes with what it
wrote under this name, and fails until that is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.enrich.domain.draft import Draft
from services.enrich.domain.language import direction_of, language_warning
from services.enrich.domain.sanitise import sanitise
from services.enrich.domain.text import description_of, reading_minutes, text_of, word_count
from shared.article import Embed
from shared.slug import slug_of

RULES = 2
VOCABULARIES: tuple[str, ...] = ()  # name and version of each word list that a rule reads, as "mediatopics3"
ENRICHER = "-".join((f"e{RULES}", *VOCABULARIES))

_MAX_EMBEDS = 100


def make_body_safe(draft: Draft) -> Draft:
    """Make the body one that may be shown, and name its sub-heads and embeds."""
    made = sanitise(draft.source, draft.facts.canonical_url)
    embeds: dict[str, Embed] = {embed.url: embed for embed in (*made.embeds, *draft.facts.embeds)}
    facts = draft.facts.model_copy(update={"embeds": tuple(embeds.values())[:_MAX_EMBEDS]})
    return replace(draft, facts=facts, body=made.body, outline=made.outline, warnings=draft.warnings + made.warnings)


def read_text(draft: Draft) -> Draft:
    """Read the words off the body: plain text, their number, minutes, a description."""
    text = text_of(draft.body)
    words = word_count(text)
    return replace(
        draft,
        text=text,
        word_count=words,
        reading_minutes=reading_minutes(words),
        description=description_of(draft.facts.standfirst, draft.body, draft.facts.headline),
    )


def check_language(draft: Draft) -> Draft:
    """Compare the declared language with the text, and tell which way it runs."""
    warning = language_warning(draft.facts.language, draft.text)
    warnings = (*draft.warnings, warning) if warning else draft.warnings
    return replace(draft, direction=direction_of(draft.facts.direction, draft.facts.language), warnings=warnings)


def name_address(draft: Draft) -> Draft:
    """Name the article for its address; the sender's own slug wins."""
    return replace(draft, slug=draft.facts.slug or slug_of(draft.facts.headline))


ENRICHERS: tuple[Callable[[Draft], Draft], ...] = (make_body_safe, read_text, check_language, name_address)
