"""Reports the parts of a ninjs item that are not in the article."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.names import UNUSED_NAMES, USED_NAMES
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.ninjs.versions import declared_version
from services.ingest.adapters.readers.reasons import NOTE_REASON

_TEXT_FIELDS = (
    *("title", "by", "located", "slugline", "copyrightholder", "copyrightnotice", "usageterms", "language", "profile"),
)
_TYPES = frozenset({"full", "partial", "complete", "incomplete"})


def report_unused(item: Part, builder: ArticleBuilder) -> None:
    """Report the unused fields, and text fields whose value is not text."""
    _confirm_frame(item, builder)
    for given in item.spellings("ednote"):
        builder.drop(given.where, NOTE_REASON)
    for name in _TEXT_FIELDS:
        for given in item.spellings(name):
            if not isinstance(given.value, str):
                builder.drop(given.where, "is not text")
    if item.has("extra") and not isinstance(item.value("extra"), dict):
        builder.drop(item.pointer_to("extra"), "is not an object")
    for name, reason in UNUSED_NAMES.items():
        for given in item.spellings(name):
            if name not in _TEXT_FIELDS or isinstance(given.value, str):
                builder.drop(given.where, reason)
    used = USED_NAMES | UNUSED_NAMES.keys() | {"ednote"}
    item.drop_others(used, builder, "is not a field of ninjs that Pressline uses", has_texts=True)


def _confirm_frame(item: Part, builder: ArticleBuilder) -> None:
    """Report type, standard and representation type as kept, or as left out if they are faulty."""
    for name in ("type", "standard"):
        if item.has(name):
            builder.confirm(item.pointer_to(name))
    if item.has("standard") and declared_version(item.sent) is None:
        builder.drop(item.pointer_to("standard"), "does not name ninjs")
    for given in item.spellings("representationtype"):
        if isinstance(given.value, str) and given.value.lower() in _TYPES:
            builder.confirm(given.where)
        else:
            builder.drop(given.where, "is none of full, partial, complete and incomplete")
