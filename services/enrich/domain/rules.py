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
from shared.addresses import is_showable
from shared.article import ArticleFacts, Embed, Picture

RULES = 1
VOCABULARIES: tuple[str, ...] = ()  # name and version of each word list that a rule reads, as "mediatopics3"
ENRICHER = "-".join((f"e{RULES}", *VOCABULARIES))

_MAX_EMBEDS = 200  # a body's and a sender's


def make_body_safe(draft: Draft) -> Draft:
    """Make the body one that may be shown, and name its sub-heads and embeds."""
    made = sanitise(draft.source, draft.facts.canonical_url, pictures=_pictures_of(draft.facts))
    embeds: dict[str, Embed] = {embed.url: embed for embed in (*made.embeds, *draft.facts.embeds)}
    facts = draft.facts.model_copy(update={"embeds": tuple(embeds.values())[:_MAX_EMBEDS]})
    found = (each.replace("left out of the body: ", "left out: ") for each in made.warnings)
    warnings = (*draft.warnings, *(f"/body: {each}" for each in found))
    return replace(draft, facts=facts, body=made.body, outline=made.outline, warnings=warnings)


def _pictures_of(facts: ArticleFacts) -> dict[str, Picture]:
    """Return the pictures that the body may show, by digest; the words are those that the article has for them."""
    words = {picture.media: picture for picture in (*facts.pictures, *((facts.picture,) if facts.picture else ()))}
    shown = (words.get(picture.media, picture) for picture in facts.body_pictures)
    return {str(picture.media): picture for picture in shown if is_showable(picture)}


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
    warnings = (*draft.warnings, f"/language: {warning}") if warning else draft.warnings
    return replace(draft, direction=direction_of(draft.facts.direction, draft.facts.language), warnings=warnings)


ENRICHERS: tuple[Callable[[Draft], Draft], ...] = (make_body_safe, read_text, check_language)
