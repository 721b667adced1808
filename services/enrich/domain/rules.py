"""The enrichers, in order, and the name of their version; a new enricher is added here.

`ENRICHER` is part of the enriched object's key, and the same name must always mean the same bytes. Increase `RULES` in
each commit that changes the output of a rule, also through a library's new version. A test compares the output with
the stored output of this name, and fails until `RULES` is increased.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.enrich.domain.language import direction_of, language_warning
from services.enrich.domain.sanitise import sanitise
from services.enrich.domain.state import EnrichmentState
from services.enrich.domain.text import description_of, reading_minutes, text_of, word_count
from shared.model.addresses import is_showable
from shared.model.article import ArticleFacts, Embed, Picture

RULES = 1
VOCABULARIES: tuple[str, ...] = ()  # name and version of each vocabulary that a rule reads, for example "mediatopics3"
ENRICHER = "-".join((f"e{RULES}", *VOCABULARIES))

_MAX_EMBEDS = 200  # the body's and the sender's together


def make_body_safe(state: EnrichmentState) -> EnrichmentState:
    """Sanitise the body; add its sub-heads, embeds and warnings."""
    sanitised = sanitise(state.source, state.facts.canonical_url, pictures=_pictures_of(state.facts))
    embeds: dict[str, Embed] = {embed.url: embed for embed in (*sanitised.embeds, *state.facts.embeds)}
    facts = state.facts.model_copy(update={"embeds": tuple(embeds.values())[:_MAX_EMBEDS]})
    found = (each.replace("left out of the body: ", "left out: ") for each in sanitised.warnings)
    warnings = (*state.warnings, *(f"/body: {each}" for each in found))
    return replace(state, facts=facts, body=sanitised.body, outline=sanitised.outline, warnings=warnings)


def _pictures_of(facts: ArticleFacts) -> dict[str, Picture]:
    """Return the pictures that the body may show, by digest, with the article's own captions for them."""
    words = {picture.media: picture for picture in (*facts.pictures, *((facts.picture,) if facts.picture else ()))}
    shown = (words.get(picture.media, picture) for picture in facts.body_pictures)
    return {str(picture.media): picture for picture in shown if is_showable(picture)}


def read_text(state: EnrichmentState) -> EnrichmentState:
    """Derive the plain text, word count, reading time and description from the body."""
    text = text_of(state.body)
    words = word_count(text)
    return replace(
        state,
        text=text,
        word_count=words,
        reading_minutes=reading_minutes(words),
        description=description_of(state.facts.standfirst, state.body, state.facts.headline),
    )


def check_language(state: EnrichmentState) -> EnrichmentState:
    """Compare the declared language with the text, and set the direction."""
    warning = language_warning(state.facts.language, state.text)
    warnings = (*state.warnings, f"/language: {warning}") if warning else state.warnings
    return replace(state, direction=direction_of(state.facts.direction, state.facts.language), warnings=warnings)


ENRICHERS: tuple[Callable[[EnrichmentState], EnrichmentState], ...] = (make_body_safe, read_text, check_language)
