"""The posts of a run: stories of one to five revisions, and their order, from a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

SOURCE = "chaos"
SECTIONS = ("news", "world", "india", "business", "science", "culture", "sport", "opinion")
_WORDS = ("ferry", "harbour", "budget", "monsoon", "library", "election", "orchard", "railway", "lantern", "glacier")
_BETWEEN_STORIES = timedelta(seconds=20)
_BETWEEN_REVISIONS = timedelta(minutes=7, microseconds=1)
_BEFORE_START = timedelta(hours=12)  # no stamp is in the future


@dataclass(frozen=True, slots=True)
class Post:
    """One revision, as its sender posts it."""

    story: int
    number: int
    stamp: datetime
    headline: str
    section: str
    slug: str | None
    status: str = "usable"
    picture: str | None = None  # the digest that POST /v1/media answered
    embargo_until: datetime | None = None

    @property
    def source_id(self) -> str:
        """Return the sender's id of the story."""
        return f"story-{self.story}"

    @property
    def mark(self) -> str:
        """Return a word that only this revision's text contains."""
        return f"mark-s{self.story}r{self.number}-"

    @property
    def document(self) -> bytes:
        """Return the bytes of the request; a repetition has the same bytes."""
        paragraph = f"<p>The {self.section} desk writes of {self.headline}: {self.mark}</p>"
        fields = {
            "source": SOURCE,
            "source_id": self.source_id,
            "version_created": self.stamp.isoformat(),
            "status": self.status,
            "headline": self.headline,
            "section": self.section,
            "language": "en",
            "slug": self.slug,
            "body": paragraph * (2 + self.story % 4),
            "picture": {"media": self.picture, "caption": "As seen from the pier."} if self.picture else None,
            "embargo_until": self.embargo_until.isoformat() if self.embargo_until else None,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


@dataclass(slots=True)
class Edition:
    """All stories of a run: their revisions, oldest first."""

    stories: list[list[Post]] = field(default_factory=list)
    killed_by_call: set[int] = field(default_factory=set)  # numbers of stories

    @property
    def posts(self) -> list[Post]:
        """Return every revision."""
        return [post for story in self.stories for post in story]

    def kill_by_call(self) -> None:
        """Select every other killed story; a call kills it after its last answer, instead of a post."""
        for story in [story for story in self.stories if story[-1].status == "canceled"][::2]:
            self.killed_by_call.add(story.pop().story)

    def sending_order(self, rng: Random) -> list[Post]:
        """Return every revision twice, shuffled."""
        order = self.posts * 2
        rng.shuffle(order)
        return order


def edition(rng: Random, stories: int, *, start: datetime, seconds: float, pictures: Sequence[str]) -> Edition:
    """Return the stories of a run that begins at `start` and posts for `seconds`.

    The newest revision kills one story in ten and withholds one in thirty. One in sixteen is under an embargo that ends
    during the run. A withheld revision in the middle is followed by a usable one.
    """
    numbers = list(range(stories))
    rng.shuffle(numbers)
    killed = set(numbers[: stories // 10])
    withheld = set(numbers[stories // 10 : stories // 10 + stories // 30])
    embargoed = set(numbers[-(stories // 16) :]) if stories >= 16 else set()
    found = Edition()
    for number in range(stories):
        story = _story(rng, number, start, pictures)
        if number in killed or number in withheld:
            story.append(_removal(story[-1], "canceled" if number in killed else "withheld"))
        elif number in embargoed:
            due = start + timedelta(seconds=rng.uniform(0.2, 1.0) * seconds)
            story[-1] = replace(story[-1], embargo_until=due)
        found.stories.append(story)
    return found


def _story(rng: Random, number: int, start: datetime, pictures: Sequence[str]) -> list[Post]:
    """Return one to five revisions; sections and slugs change sometimes, so that pages move."""
    created = start - _BEFORE_START + number * _BETWEEN_STORIES
    section, slug = rng.choice(SECTIONS), f"story-{number}"
    revisions: list[Post] = []
    count = rng.randint(1, 5)
    for revision in range(count):
        if revision and rng.random() < 0.25:
            section = rng.choice(SECTIONS)
        if revision and rng.random() < 0.2:
            slug = f"{rng.choice(_WORDS)}-{number}-{revision}"
        is_body_only = bool(revision) and rng.random() < 0.3
        headline = (
            revisions[-1].headline if is_body_only else f"{rng.choice(_WORDS).title()} story {number} take {revision}"
        )
        is_withheld = 0 < revision < count - 1 and rng.random() < 0.15
        revisions.append(
            Post(
                story=number,
                number=revision,
                stamp=created + revision * _BETWEEN_REVISIONS,
                headline=headline,
                section=section,
                slug=None if revision and rng.random() < 0.1 else slug,  # without a slug, the first one stays
                status="withheld" if is_withheld else "usable",
                picture=rng.choice(pictures) if pictures and rng.random() < 0.3 else None,
            )
        )
    return revisions


def _removal(last: Post, status: str) -> Post:
    return replace(last, number=last.number + 1, stamp=last.stamp + _BETWEEN_REVISIONS, status=status, picture=None)
