"""Finds the stories in a document: a story, an operation or event around one, or search results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.ingest.adapters.readers.values import Item, instant_of, text_of
from services.ingest.domain.pointers import pointer

_ANS_VERSION = re.compile(r"^0\.\d{1,3}(\.\d{1,3})?$")
_MEDIA = {"image": "a picture", "gallery": "a gallery", "video": "a video", "audio": "a sound"}
_REFUSED = {
    "collection": "a collection is a list of other items; each of its stories arrives separately",
    "redirect": "a redirect is no article",
    "restricted": "the sender may not show this item; it has no text",
    "reference": "a reference to another item is no article",
    "author": "an author is no article",
    "section": "a section is no article",
    "site": "a section is no article",
    "tag": "a tag is no article",
}
_TYPES = frozenset({"story", "results", *_MEDIA, *_REFUSED})
_TYPICAL_FIELDS = frozenset(
    {"headlines", "content_elements", "promo_items", "taxonomy", "canonical_website", "last_updated_date", "credits"}
)
_ENVELOPE = re.compile(r"^[a-z_]{1,30}[-_]operation$")
_EVENT = re.compile(r"^(story|image|gallery|video|content|collection)[:_-][a-z:_-]{1,60}$")
_REMOVALS = frozenset({"delete", "unpublish", "remove", "kill", "retract", "takedown", "archive"})
_PARTS_OF_REMOVALS = ("unpublish", "delete")
_KNOWN_OPERATIONS = frozenset(
    {"publish", "republish", "insert", "update", "upsert", "create", "edit", "schedule", "unschedule", "correct"}
)
_MAX_UNIX_SECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Story:
    """An item and the place of its JSON object. `is_removed`: an operation deletes or unpublishes it.

    `happened_at`: the time of the operation. `is_draft`: the operation says that the item is not published.
    """

    item: Item
    where: str = ""
    operation: str = ""
    is_removed: bool = False
    is_draft: bool = False
    happened_at: datetime | None = None
    facts: Item = field(default_factory=dict)  # of the operation

    def at(self, *path: str | int) -> str:
        """Return the pointer to a part of the item."""
        return self.where + pointer(*path)

    @property
    def kind(self) -> str:
        """Return the item's type in lower case; a story if it has none."""
        return (text_of(self.item.get("type")) or "story").lower()

    @property
    def identifier(self) -> tuple[str, str] | None:
        """Return the item's id and its pointer, or None."""
        candidates: tuple[tuple[Item, str, str], ...] = (
            (self.item, "_id", self.where),
            (self.item, "id", self.where),
            (self.facts, "story_id", ""),
            (self.facts, "content_id", ""),
            (self.facts, "id", ""),
        )
        for item, name, where in candidates:
            if identifier := text_of(item.get(name)):
                return identifier, where + pointer(name)
        return None

    @property
    def media_reason(self) -> str:
        """Return the reason why the item is media and no article; empty if it is none."""
        kind = _MEDIA.get(self.kind)
        return f"{kind} is not an article; it is kept as media" if kind else ""

    @property
    def refusal(self) -> str:
        """Return the reason why the item is neither an article nor media; empty if it is one."""
        if self.kind == "story" or self.media_reason:
            return ""
        return _REFUSED.get(self.kind, f"not an article: type {self.kind[:40]!a}")

    @property
    def operation_origin(self) -> str:
        """Return the pointer to the name of the operation or event."""
        return "/operation" if "operation" in self.facts else "/key"

    @property
    def unknown_operation(self) -> str:
        """Return the reason why the operation or event cannot be followed; empty if there is none or it is known."""
        words = _words_of(self.operation)
        if not self.operation or not words.isdisjoint(_KNOWN_OPERATIONS) or _is_removal(self.operation, words):
            return ""
        return f"the operation {self.operation[:40]!a} is unknown; it may be a removal"

    @property
    def format_name(self) -> str:
        """Return the format with the schema's version, such as `ans-0.10.12`."""
        version = text_of(self.item.get("version")) or ""
        return f"ans-{version}" if _ANS_VERSION.match(version) else "ans"


def is_ans(item: Item) -> bool:
    """Return whether an object is ANS, an operation of Arc, or an event of Arc with ANS inside."""
    body = item.get("body")
    if _envelope_of(item):
        return isinstance(body, dict) or "story_id" in item or "content_id" in item
    kind = (text_of(item.get("type")) or "").lower()
    version = text_of(item.get("version")) or ""
    if kind in _TYPES and _ANS_VERSION.match(version) is not None:
        return True
    typical = _TYPICAL_FIELDS & item.keys()
    if kind in _TYPES - {"reference", "tag"} and typical:
        return True
    return not kind and "content_elements" in item and len(typical) > 1


def story_in(item: Item) -> Story:
    """Return the story of a document, out of its operation or event if there is one."""
    operation = _envelope_of(item)
    if not operation:
        return Story(item)
    body = item.get("body")
    words = _words_of(operation)
    return Story(
        body if isinstance(body, Mapping) else {},
        pointer("body"),
        operation=operation,
        is_removed=_is_removal(operation, words) and not _is_of_other_edition(item),
        is_draft=item.get("published") is False,
        happened_at=_time_of(item),
        facts=item,
    )


def _words_of(operation: str) -> frozenset[str]:
    return frozenset(re.split(r"[.:_-]", operation))


def _is_removal(operation: str, words: frozenset[str]) -> bool:
    return not _REMOVALS.isdisjoint(words) or any(part in operation for part in _PARTS_OF_REMOVALS)


def _envelope_of(item: Item) -> str:
    """Return the name of an operation or event in lower case; empty if the object is none."""
    kind, operation = text_of(item.get("type")), text_of(item.get("operation"))
    if kind and operation and _ENVELOPE.match(kind.lower()[:50]):
        return operation.lower()[:80]
    key = (text_of(item.get("key")) or "").lower()[:100]
    return key if isinstance(item.get("body"), dict) and _EVENT.match(key) else ""


def _is_of_other_edition(item: Item) -> bool:
    """Return whether an operation concerns other editions than the site's, such as print alone."""
    editions = item.get("editions")
    return isinstance(editions, list) and bool(editions) and "default" not in editions


def _time_of(item: Item) -> datetime | None:
    """Return the time of an operation (ISO 8601) or event (Unix seconds); None if it is absent or unreadable."""
    seconds = item.get("time")
    if isinstance(seconds, int | float) and 0 < seconds < _MAX_UNIX_SECONDS:
        return datetime.fromtimestamp(seconds, UTC)
    try:
        return instant_of(item.get("date"), UTC)
    except ValueError:
        return None
