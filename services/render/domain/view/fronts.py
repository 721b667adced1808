"""Fronts: the site's and each section's. A reader must see the rank of the stories at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.render.domain.dates import Moment, day_of
from services.render.domain.jsonld import front_json_ld
from services.render.domain.open_graph import share_tags
from services.render.domain.view.cards import CardView, card_view
from services.render.domain.view.shell import (
    HeadView,
    SectionLink,
    ShellView,
    feed_links,
    section_link,
    shell_view,
)
from shared.model.card import Card
from shared.site.sites import Site

MAX_SECOND_STORIES = 3
MIN_RIVER_CARDS = 6  # stories after the seconds that are always in the river, never in a block
MAX_CARDS_PER_BLOCK = 4
MIN_CARDS_PER_BLOCK = 2
MIN_BLOCKS = 2  # a single block would only move stories out of the river
_MAX_LEAD_AGE = timedelta(hours=12)  # an urgent story that is this much older than the newest one no longer leads


@dataclass(frozen=True, slots=True)
class SectionBlock:
    """A section's newest cards on the front page that are in no place above the block."""

    section: SectionLink
    cards: tuple[CardView, ...]


@dataclass(frozen=True, slots=True)
class FrontView:
    """A front by rank: one lead, a few second stories, the river; on the front page also some cards by section.

    Each card is in exactly one of `lead`, `seconds`, `river` and `blocks`.
    """

    shell: ShellView
    title: str
    section: SectionLink | None
    lead: CardView | None
    seconds: tuple[CardView, ...]
    river: tuple[CardView, ...]
    blocks: tuple[SectionBlock, ...]
    newest: Moment | None
    archive_url: str


def ranked(cards: tuple[Card, ...], pins: tuple[Card, ...] = ()) -> tuple[Card, ...]:
    """Return cards by rank: the pins in the editors' order; without pins the most urgent recent card; then by time.

    Each article occurs once. Urgency is ninjs': 1 is the highest. A card's age is relative to the newest card, not to
    the current time, so that the same cards give the same page.
    """
    pins, cards = _without_repetitions(pins), _without_repetitions(cards)
    pinned = {card.article for card in pins}
    others = [card for card in cards if card.article not in pinned]
    if others and not pins:
        since = max(card.created_at for card in others) - _MAX_LEAD_AGE
        recent = [card for card in others if card.created_at >= since]
        lead = min(recent, key=lambda card: card.urgency)  # the newest if several are equal, because cards are sorted
        others = [lead, *(card for card in others if card is not lead)]
    return (*pins, *others)


def front_view(
    site: Site, cards: tuple[Card, ...], *, section: str | None = None, pins: tuple[Card, ...] = ()
) -> FrontView:
    """Return the view of the front page or of a section's front; `cards` are newest first."""
    by_rank = ranked(cards, pins)
    shown = tuple(card_view(card, site) for card in by_rank)
    newest = max((card.created_at for card in by_rank), default=None)
    name = site.section_name(section) if section else site.name
    url = f"{site.base_url}/{section}/" if section else f"{site.base_url}/"
    picture = next((card.picture for card in by_rank if card.picture), None)
    head = HeadView(
        title=f"{name} | {site.name}" if section else f"{site.name} – {site.tagline}",  # noqa: RUF001 - a dash
        description=f"{site.name}, {name}: {site.tagline}" if section else f"{site.name}: {site.tagline}",
        canonical_url=url,
        share=share_tags(
            site,
            title=f"{site.name}: {name}" if section else site.name,
            description=site.tagline,
            url=url,
            language=site.language,
            picture=picture,
        ),
        json_ld=front_json_ld(site, by_rank, section=section),
        feeds=feed_links(site, section),
    )
    below = shown[1 + MAX_SECOND_STORIES :]
    blocks = () if section else _blocks(site, below[MIN_RIVER_CARDS:])
    in_blocks = {card.article for block in blocks for card in block.cards}
    return FrontView(
        shell=shell_view(site, head, here=section or ""),
        title=name,
        section=section_link(site, section) if section else None,
        lead=shown[0] if shown else None,
        seconds=shown[1 : 1 + MAX_SECOND_STORIES],
        river=tuple(card for card in below if card.article not in in_blocks),
        blocks=blocks,
        newest=day_of(newest, zone=site.zone, language=site.language) if newest else None,
        archive_url=f"/{section}/archive/" if section else "/archive/",
    )


def _without_repetitions(cards: tuple[Card, ...]) -> tuple[Card, ...]:
    return tuple({card.article: card for card in cards}.values())


def _blocks(site: Site, cards: tuple[CardView, ...]) -> tuple[SectionBlock, ...]:
    """Return the sections' blocks in the site's order; none if there are too few cards."""
    blocks: list[SectionBlock] = []
    for section in dict.fromkeys(each.id for each in site.sections):
        own = tuple(card for card in cards if card.section == section)[:MAX_CARDS_PER_BLOCK]
        if len(own) >= MIN_CARDS_PER_BLOCK:
            blocks.append(SectionBlock(section=section_link(site, section), cards=own))
    return tuple(blocks) if len(blocks) >= MIN_BLOCKS else ()
