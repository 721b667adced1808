"""Arguments of the upsert script: an article's entry, and the names of the listings that a change concerns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.site.listing_kinds import ALL, KINDS
from shared.site.listings import calendar_of, listings_showing
from shared.site.memberships import day_of, listings_of_membership, memberships_of, sections_of_days
from shared.site.sites import Site

_NEXT_DAY_PATTERNS = {
    form.day_scope: form.name.replace("{day}", "%s") for kind in KINDS if kind.span == "older" for form in kind.forms
}


@dataclass(frozen=True, slots=True)
class Placement:
    """An article's entry, the effects of its memberships, and the listings that must be public."""

    article: str
    entry: str
    effects: str
    required: str
    shows: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of the script."""
        return self.article, self.entry, self.effects, self.shows, self.required

    def with_effects_of(self, site: Site, memberships: Iterable[str]) -> Placement:
        """Return this placement with the effects of further memberships."""
        return replace(self, effects=f"{self.effects[:-1]},{effects_of(site, memberships)[1:]}")


def placement_of(site: Site, record: LiveRecord) -> Placement | None:
    """Return the placement of a record's article; None if the article was never public."""
    if record.revision and record.card:
        return live_placement(site, record.card, record.revision, record.text, record.shows, record.former_memberships)
    if record.removed_by:
        return removal_placement(
            site, record.article, record.removed_by, record.former_memberships, is_killed=record.is_killed
        )
    return None


def live_placement(
    site: Site, card: Card, revision: str, text: str, shows: Mapping[str, str] | None, former_memberships: Iterable[str]
) -> Placement:
    """Return the placement of a live article."""
    known, memberships = tuple(former_memberships), memberships_of(site, card)
    fields = {
        "order": revision,
        "score": score_of(card),
        "memberships": memberships,
        "text": text if site.feed_text == "full" else "",
    }
    if extra := extra_sets(site, known, memberships, is_killed=False):
        fields["extra_sets"] = extra
    # No listing shows `updated_at`, so a corrected typo makes no front stale.
    entry = f"{compact_json(fields)}\n{card.model_dump_json(exclude_defaults=True, exclude={'updated_at'})}"
    return Placement(
        article=card.article,
        entry=entry,
        effects=effects_of(site, (*memberships, *_with_sections(known))),
        required=compact_json(required_listings(site, known, memberships)),
        shows=compact_json(shows) if shows is not None else "",
    )


def removal_placement(
    site: Site, article: str, revision: str, former_memberships: Iterable[str], *, is_killed: bool
) -> Placement:
    """Return the placement of a removed article."""
    known = tuple(former_memberships)
    fields: dict[str, object] = {"order": revision, "score": 0, "memberships": [], "text": ""}
    if extra := extra_sets(site, known, (), is_killed=is_killed):
        fields["extra_sets"] = extra
    return Placement(
        article=article,
        entry=f"{compact_json(fields)}\n",
        effects=effects_of(site, (ALL, *_with_sections(known))),
        required=compact_json(required_listings(site, known, ())),
    )


def _with_sections(former_memberships: Sequence[str]) -> set[str]:
    """Return former memberships, with the sections of their days."""
    return {*former_memberships, *sections_of_days(former_memberships)}


def effects_of(site: Site, memberships: Iterable[str]) -> str:
    """Return, as JSON, the effects of a change in each membership (`lua/upsert.lua`)."""
    return "{" + ",".join(_effect(site, each) for each in dict.fromkeys(memberships)) + "}"


@lru_cache(maxsize=8192)
def _effect(site: Site, membership: str) -> str:
    listings = listings_showing(site, membership)
    has_text = site.feed_text == "full"
    effect: dict[str, object] = {
        "ranked": [
            [each.name, each.limit, has_text and each.definition.has_text] for each in listings if not each.has_parts
        ]
    }
    if day := day_of(membership):
        scope, date = day
        effect["multipart"] = [each.name for each in listings if each.has_parts]
        names = [each.name for each in calendar_of(site, scope, date)]
        effect["day"] = [scope, date, int(date.replace("-", "")), names, _NEXT_DAY_PATTERNS.get(scope, "")]
    return f"{json.dumps(membership)}:{json.dumps(effect, separators=(',', ':'))}"


def required_listings(site: Site, former_memberships: Iterable[str], memberships: Iterable[str]) -> list[str]:
    """Return the listings that the released revisions named and the card does not: they must stay public."""
    now = set(memberships)
    return list(
        dict.fromkeys(
            page for each in former_memberships if each not in now for page in listings_of_membership(site, each)
        )
    )


def linked_listings(site: Site, memberships: Iterable[str]) -> list[str]:
    """Return the listings that an article's page links to, from the article's memberships."""
    listings = (listing for each in memberships for listing in listings_showing(site, each))
    return list(dict.fromkeys(each.name for each in listings if each.definition.is_linked_by_articles))


def extra_sets(
    site: Site, former_memberships: Iterable[str], memberships: Iterable[str], *, is_killed: bool
) -> list[str]:
    """Return the further sets of an article: `former:` of days that listed it, `killed:` of names that it closes."""
    now = set(memberships)
    former = [each for each in former_memberships if each not in now]
    named = (f"killed:{each}" for each in former if is_killed and linked_listings(site, [each]))
    return [*(f"former:{each}" for each in former if day_of(each)), *named]


def score_of(card: Card) -> int:
    """Return the sort key of a card: its publication date in microseconds."""
    return epoch_microseconds(card.created_at)


def epoch_microseconds(at: datetime) -> int:
    """Return microseconds since 1970 (UTC)."""
    return int(at.timestamp() * 1_000_000)


def compact_json(value: object) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))
