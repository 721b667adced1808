"""Categories, signals and status of an entry of dpa's digital wires."""

from __future__ import annotations

from collections.abc import Iterator

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import KILL_WORDS, find_instant, set_instant, set_status, set_version
from services.ingest.adapters.readers.values import Item, objects_in, tail_of, text_of, whole_number
from services.ingest.domain.pointers import pointer
from shared.model.article import Status

_CORRECTIONS = frozenset({"correction", "corrected"})
_FOR_EDITORS = frozenset(
    {"tagesvorschau", "terminvorschau", "wochenvorschau", "tagesplanung", "mitteilung an redaktionen"}
)
_LOWEST_RANK = 10_000


def categories(item: Item, builder: ArticleBuilder, *kinds: str) -> Iterator[tuple[str, Item]]:
    """Yield (pointer, category) of the kinds, such as `keyword`, by kind and rank."""
    found = [
        (kinds.index(kind), _rank(category), where, category)
        for where, category in objects_in(item, "categories", builder)
        if (kind := kind_of(category)) in kinds
    ]
    for _, _, where, category in sorted(found, key=lambda each: each[:2]):
        yield where, category


def kind_of(category: Item) -> str:
    """Return the kind of a category without its vocabulary: `dnltype:keyword` is `keyword`."""
    return tail_of(text_of(category.get("type")) or "").lower()


def signals_of(item: Item, builder: ArticleBuilder) -> frozenset[str]:
    """Return the signals of an entry in lower case without their vocabulary."""
    given = [text_of(item.get("signal"))]
    given += [text_of(each.get("qcode")) for _, each in categories(item, builder, "signal")]
    several = item.get("signals")
    for each in several if isinstance(several, list) else [several]:
        given.append(text_of(each.get("qcode") or each.get("name")) if isinstance(each, dict) else text_of(each))
    return frozenset(tail_of(each).lower() for each in given if each)


def is_correction(signals: frozenset[str]) -> bool:
    """Return whether the signals say that an entry corrects an earlier one."""
    return not signals.isdisjoint(_CORRECTIONS)


def read_status(item: Item, builder: ArticleBuilder, signals: frozenset[str]) -> None:
    """Read the status; none means usable. A signal of deletion cancels an entry, since it may be its only mark."""
    set_status(builder, item.get("pubstatus"), "/pubstatus")
    if not builder.is_removal and not signals.isdisjoint(KILL_WORDS):
        builder.set_field("status", Status.CANCELED, "/signal")
        builder.warn("a signal says that the entry is deleted; its status says usable")


def find_embargo_signal(item: Item, signals: frozenset[str]) -> str:
    """Return the signal of an embargo that has no time; otherwise empty."""
    if text_of(item.get("embargoed")):
        return ""
    return next((each for each in sorted(signals) if "embargo" in each or each == "sperrfrist"), "")


def read_identity(item: Item, builder: ArticleBuilder) -> None:
    """Read the urn, otherwise the id of the entry, and the version."""
    builder.expect("source_id", "/urn")
    for name in ("urn", "entry_id"):
        if identifier := text_of(item.get(name)):
            builder.set_field("source_id", identifier, pointer(name))
            break
    set_version(builder, item.get("version"), "/version")


def read_times(item: Item, builder: ArticleBuilder) -> None:
    """Read the times; an unreadable one refuses the entry, except the time at which the content was made."""
    set_instant(builder, "version_created", item.get("version_created"), "/version_created")
    for name, value in item.items():
        if "embargo" in name.lower() and name != "embargoed" and value and not builder.is_removal:
            builder.fault(pointer(name), "is not the field of an embargo; use embargoed")
    embargo = find_instant(builder, item.get("embargoed"), "/embargoed")
    if embargo is not None:
        builder.set_field("embargo_until", embargo, "/embargoed")
    created = text_of(item.get("content_created"))
    if created and "T" in created:
        set_instant(builder, "first_created", created, "/content_created")
    elif item.get("content_created"):
        builder.drop("/content_created", "is not a whole date-time")


def find_note_for_editors(item: Item, builder: ArticleBuilder) -> str:
    """Return the word that says that the text is for editors, such as a list of coming events; otherwise empty."""
    for _, category in categories(item, builder, "genre", "keyword", "dpasubject"):
        word = (text_of(category.get("name")) or "").casefold()
        if word in _FOR_EDITORS:
            return word
    return ""


def _rank(category: Item) -> int:
    rank = whole_number(category.get("rank"))
    return _LOWEST_RANK if rank is None else rank
