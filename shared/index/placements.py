"""What the index is told of an article: its entry, and the names that the scripts work with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.site.listing_kinds import ALL, KINDS
from shared.site.listings import calendar_of, readers_of
from shared.site.memberships import day_of, listings_of_membership, memberships_of
from shared.site.sites import Site

_OLDER = {form.days: form.name.replace("{day}", "%s") for kind in KINDS if kind.span == "older" for form in kind.forms}


@dataclass(frozen=True, slots=True)
class Placement:
    """What the index is told of an article: its entry, what a change of it leads to, and what must be public."""

    article: str
    entry: str
    effects: str
    public: str
    shows: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of the script."""
        return self.article, self.entry, self.effects, self.shows, self.public

    def with_effects_of(self, site: Site, memberships: Iterable[str]) -> Placement:
        """Return the same with what a change of further memberships leads to."""
        return replace(self, effects=f"{self.effects[:-1]},{effects_of(site, memberships)[1:]}")


def placement_of(site: Site, record: LiveRecord) -> Placement | None:
    """Return what the index is told of an article by its record; None where it was never public."""
    if record.revision and record.card:
        return placed(site, record.card, record.revision, record.text, record.shows, record.former_memberships)
    if record.removed_by:
        return removed(site, record.article, record.removed_by, record.former_memberships, is_killed=record.is_killed)
    return None


def placed(
    site: Site, card: Card, revision: str, text: str, shows: Mapping[str, str] | None, former_memberships: Iterable[str]
) -> Placement:
    """Return what the index is told of a live article."""
    known, memberships = tuple(former_memberships), memberships_of(site, card)
    told = {
        "order": revision,
        "score": score_of(card),
        "memberships": memberships,
        "text": text if site.feed_text == "full" else "",
    }
    if outside := outside_of(site, known, memberships, is_killed=False):
        told["outside"] = outside
    # No listing shows when a text was last changed: a mended typo makes no front page stale.
    entry = f"{packed(told)}\n{card.model_dump_json(exclude_defaults=True, exclude={'updated_at'})}"
    return Placement(
        article=card.article,
        entry=entry,
        effects=effects_of(site, (*memberships, *_with_sections(known))),
        public=packed(must_be_public(site, known, memberships)),
        shows=packed(shows) if shows is not None else "",
    )


def removed(
    site: Site, article: str, revision: str, former_memberships: Iterable[str], *, is_killed: bool
) -> Placement:
    """Return what the index is told of an article that was taken down."""
    known = tuple(former_memberships)
    told: dict[str, object] = {"order": revision, "score": 0, "memberships": [], "text": ""}
    if outside := outside_of(site, known, (), is_killed=is_killed):
        told["outside"] = outside
    return Placement(
        article=article,
        entry=f"{packed(told)}\n",
        effects=effects_of(site, (ALL, *_with_sections(known))),
        public=packed(must_be_public(site, known, ())),
    )


def _with_sections(former_memberships: Sequence[str]) -> set[str]:
    """Return memberships that an article had, with those of its sections."""
    return {
        *former_memberships,
        *(f"section:{each.split(':')[1]}" for each in former_memberships if each.startswith("sday:")),
    }


def effects_of(site: Site, memberships: Iterable[str]) -> str:
    """Return, as JSON, what a change in each membership leads to (`lua/upsert.lua`)."""
    return "{" + ",".join(_effect(site, each) for each in dict.fromkeys(memberships)) + "}"


@lru_cache(maxsize=8192)
def _effect(site: Site, membership: str) -> str:
    readers = readers_of(site, membership)
    has_text = site.feed_text == "full"
    effect: dict[str, object] = {
        "ranked": [
            [each.name, each.limit, has_text and each.of_kind.has_text] for each in readers if not each.has_parts
        ]
    }
    if day := day_of(membership):
        scope, date = day
        effect["parted"] = [each.name for each in readers if each.has_parts]
        names = [each.name for each in calendar_of(site, scope, date)]
        effect["day"] = [scope, date, int(date.replace("-", "")), names, _OLDER.get(scope, "")]
    return f"{json.dumps(membership)}:{json.dumps(effect, separators=(',', ':'))}"


def must_be_public(site: Site, former_memberships: Iterable[str], memberships: Iterable[str]) -> list[str]:
    """Return the listings that an article's released revisions named, and its card does not."""
    now = set(memberships)
    return list(
        dict.fromkeys(
            page for each in former_memberships if each not in now for page in listings_of_membership(site, each)
        )
    )


def linked_by(site: Site, memberships: Iterable[str]) -> list[str]:
    """Return the listings that the page of an article of these memberships links to."""
    readers = (reader for each in memberships for reader in readers_of(site, each))
    return list(dict.fromkeys(each.name for each in readers if each.of_kind.is_linked_by_articles))


def outside_of(
    site: Site, former_memberships: Iterable[str], memberships: Iterable[str], *, is_killed: bool
) -> list[str]:
    """Return the sets beside its memberships that an article is in: of days that listed it, of what a kill closes."""
    now = set(memberships)
    former = [each for each in former_memberships if each not in now]
    named = (f"killed:{each}" for each in former if is_killed and linked_by(site, [each]))
    return [*(f"former:{each}" for each in former if day_of(each)), *named]


def score_of(card: Card) -> int:
    """Return what a card is sorted by."""
    return micros(card.created_at)


def micros(at: datetime) -> int:
    """Return microseconds since 1970."""
    return int(at.timestamp() * 1_000_000)


def packed(value: object) -> str:
    """Return a value as JSON."""
    return json.dumps(value, separators=(",", ":"))
