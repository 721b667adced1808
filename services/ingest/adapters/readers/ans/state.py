"""Identity, times and status of a story; a story that Arc does not show is withheld."""

from __future__ import annotations

from datetime import datetime

from services.ingest.adapters.readers.ans.story import Story
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import KILL_WORDS, find_instant, set_first_published
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import Item, instant_of, text_of, whole_number
from services.ingest.domain.pointers import pointer
from shared.model.article import Status

_PUBLIC_CODES = frozenset({"", "free", "default", "green", "open", "public", "none", "metered"})
_PUBLISHED = frozenset({"published", "publish", "usable", "public", "live", "updated", "corrected"})
_FALSE_TEXTS = frozenset({"", "false", "no", "0"})
_SWITCHES = ("active", "enabled", "is_active")
_END_NAMES = ("end_time", "end", "end_date", "ends_at", "until", "embargo_until", "release_time", "date", "time")
_RESTRICTIONS = "content_restrictions"


def read_identity(story: Story, builder: ArticleBuilder) -> None:
    """Read the id. A revision's id orders nothing unless it is a number."""
    builder.expect("source_id", story.at("_id"))
    if found := story.identifier:
        builder.set_field("source_id", *found)
    revision = _object(story.item, "revision")
    number = whole_number(revision.get("revision_id"))
    where = story.at("revision", "revision_id")
    if number is not None and 0 <= number < 10**10:
        builder.set_field("version", number, where)
    elif revision.get("revision_id") is not None:
        builder.drop(where, "is not a number; the article is ordered by its time")


def read_status(story: Story, builder: ArticleBuilder) -> str:
    """Set the status; return the reason why the story is not public, empty if it is public."""
    status = (text_of(story.item.get("status")) or "").lower()
    if status in KILL_WORDS:
        builder.set_field("status", Status.CANCELED, story.at("status"))
        return ""
    if story.is_removed:
        builder.set_field("status", Status.WITHHELD, "/operation" if "operation" in story.facts else "/key")
        return ""
    reason = _find_draft(story, builder) or _find_restriction(story, builder)
    if reason:
        builder.set_field("status", Status.WITHHELD, story.where)
    return reason


def read_times(story: Story, builder: ArticleBuilder, received_at: datetime) -> None:
    """Read the times; an unreadable one refuses the story. A publication in the future is an embargo."""
    updated, published = _instant(story, builder, "last_updated_date"), _instant(story, builder, "publish_date")
    stamp, origin = (updated, "last_updated_date") if updated else (published, "publish_date")
    if stamp is not None:
        builder.set_field("version_created", stamp, story.at(origin))
    if story.happened_at is not None and (stamp is None or story.happened_at > stamp):
        builder.set_field("version_created", story.happened_at, "/time" if "time" in story.facts else "/date")
    if (created := _instant(story, builder, "created_date")) is not None:
        builder.set_field("first_created", created, story.at("created_date"))
    first = "first_publish_date" if story.item.get("first_publish_date") else "publish_date"
    for name in ("publish_date", "display_date"):
        if story.item.get(name) and name != first and not (name == origin and stamp):
            builder.drop(story.at(name), "another time of the story is used")
    set_first_published(builder, story.item.get(first), story.at(first), received_at)
    _read_embargo(story, builder)
    if published is not None and published > received_at:
        until = builder.values.get("embargo_until")
        if until is None or until < published:
            builder.set_field("embargo_until", published, story.at("publish_date"))


def _find_draft(story: Story, builder: ArticleBuilder) -> str:
    """Return the reason why Arc does not show the story, by its flags."""
    revision, publishing = _object(story.item, "revision"), _object(story.item, "publishing")
    default = _object(_object(publishing, "editions"), "default")
    flags = [
        (revision.get("published"), story.at("revision", "published")),
        (publishing.get("has_published_edition"), story.at("publishing", "has_published_edition")),
        (default.get("edition_published"), story.at("publishing", "editions", "default", "edition_published")),
    ]
    stated = [(value, where) for value, where in flags if value is not None]
    for value, where in stated:
        if value is not True:
            return f"{where} says that the story is not published"
        builder.confirm(where)
    if story.is_draft:
        return "/published says that the story is not published"
    status = (text_of(story.item.get("status")) or "").lower()
    if status in _PUBLISHED:
        builder.confirm(story.at("status"))
    elif status and not stated:
        return f"its status is {status[:40]!a}, which does not say that it is published"
    elif status:
        builder.drop(story.at("status"), "is deprecated; the flags of the revision are used")
    return "" if stated or status else _find_unfinished(story)


def _find_unfinished(story: Story) -> str:
    """Return the reason why a story with a workflow and no date of publication is a draft."""
    workflow = _object(story.item, "workflow")
    is_dated = any(story.item.get(name) for name in ("publish_date", "first_publish_date"))
    if workflow.get("status_code") is None or is_dated:
        return ""
    return "it is in a workflow and was never published"


def _find_restriction(story: Story, builder: ArticleBuilder) -> str:
    """Return the reason why the content restrictions forbid a public page."""
    given = story.item.get(_RESTRICTIONS)
    if given is not None and not isinstance(given, dict):
        return "its content_restrictions cannot be read"
    restrictions = _object(story.item, _RESTRICTIONS)
    code = restrictions.get("content_code")
    word = code.strip().lower() if isinstance(code, str) else "" if code is None else str(code)[:40]
    if word not in _PUBLIC_CODES:
        return f"its content code is {word[:40]!a}; only free content becomes public"
    if word == "metered":
        builder.warn("content_code is metered; Pressline counts no readers and shows the article to all")
    if restrictions.get("geo"):
        return "it is restricted to some regions"
    embargo = restrictions.get("embargo")
    if _is_active(embargo) and not _has_end(embargo):
        return "its embargo has no end"
    return ""


def is_public_code(code: object) -> bool:
    """Return whether a content code, or none, lets everybody read."""
    return code is None or (isinstance(code, str) and code.strip().lower() in _PUBLIC_CODES)


def _has_end(embargo: object) -> bool:
    """Return whether an embargo has an end; under another name than ANS's, only a readable one counts."""
    if not isinstance(embargo, dict):
        return False
    if embargo.get("end_time"):
        return True
    try:
        return instant_of(embargo.get(_end_name(embargo))) is not None
    except ValueError:
        return False


def _end_name(embargo: Item) -> str:
    return next((name for name in _END_NAMES if embargo.get(name)), _END_NAMES[0])


def _read_embargo(story: Story, builder: ArticleBuilder) -> None:
    """Read the end of an active embargo; an unknown name of an embargo refuses the story."""
    restrictions = _object(story.item, _RESTRICTIONS)
    embargo, where = _object(restrictions, "embargo"), story.at(_RESTRICTIONS, "embargo")
    if _is_active(restrictions.get("embargo")):
        name = _end_name(embargo)
        end = find_instant(builder, embargo.get(name), where + pointer(name))
        if end is not None:
            builder.set_field("embargo_until", end, where + pointer(name))
        elif embargo.get("end_time") and not builder.is_removal and not builder.faults:
            builder.fault(where + pointer("end_time"), "is not the end of an embargo")
    elif restrictions.get("embargo"):
        builder.drop(where, "is not active")
    if embargo.get("description"):
        builder.drop(where + pointer("description"), NOTE_REASON)
    places = ((story.item, ()), (restrictions, (_RESTRICTIONS,)), *_own_properties(story.item))
    for item, path in places:
        for name, value in item.items():
            is_known = name == "embargo" and path == (_RESTRICTIONS,)
            if "embargo" in name.lower() and not is_known and _is_active(value) and not builder.is_removal:
                detail = "is not the ANS field of an embargo; use content_restrictions.embargo"
                builder.fault(story.at(*path, name), detail)


def _own_properties(item: Item) -> tuple[tuple[Item, tuple[str, ...]], ...]:
    return ((_object(item, "additional_properties"), ("additional_properties",)),)


def _is_active(embargo: object) -> bool:
    """Return whether a value says that an embargo is in force; a value that cannot be read does."""
    if isinstance(embargo, dict):
        switches = [embargo[name] for name in _SWITCHES if embargo.get(name) is not None]
        if not switches:
            return any(value for name, value in embargo.items() if name != "description")
        return any(_is_active(each) for each in switches if not isinstance(each, dict))
    if isinstance(embargo, str):
        return embargo.strip().lower() not in _FALSE_TEXTS
    return bool(embargo)


def _instant(story: Story, builder: ArticleBuilder, name: str) -> datetime | None:
    return find_instant(builder, story.item.get(name), story.at(name))


def _object(item: Item, name: str) -> Item:
    """Return an object inside another; an empty one if it is absent or of another type."""
    value = item.get(name)
    return value if isinstance(value, dict) else {}
