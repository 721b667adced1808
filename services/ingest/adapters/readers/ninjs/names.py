"""The names of a ninjs item's fields, in the shape of `shape.py`, and why some are unused."""

from __future__ import annotations

USED_NAMES = frozenset(
    {
        *(
            "uri",
            "version",
            "versioncreated",
            "firstcreated",
            "contentcreated",
            "firstpublished",
            "embargoed",
            "publish_schedule",
        ),
        *(
            "firstpublished",
            "expires",
            "pubstatus",
            "urgency",
            "language",
            "headlines",
            "title",
            "descriptions",
            "bodies",
            "by",
        ),
        *("located", "slugline", "keywords", "service", "subjects", "people", "organisations", "places", "events"),
        *("objects", "authors", "associations", "altids", "evolvedfrom", "extra"),
        *("copyrightholder", "copyrightnotice", "usageterms", "type", "standard", "representationtype"),
    }
)
UNUSED_NAMES = {
    "rightsinfo": "rights expressions are not supported yet; use usageTerms",
    "renditions": "belong to an associated picture",
    "genres": "are not supported yet",
    "infosources": "are not supported yet",
    "trustindicators": "are not supported yet",
    "digitalsourcetype": "is not supported yet",
    "profile": "has no effect",
    "mimetype": "has no effect; the content types of the texts count",
    "priority": "is the desk's own; urgency counts",
    "source": "the feed's settings name the source of an article",
    "signal": "signals to other desks are not published",
    "charcount": "is counted anew",
    "wordcount": "is counted anew",
    "readtime": "is counted anew",
    "extra_items": "the associated items are used instead",
    "attachments": "attached files are not supported yet",
    "annotations": "are not supported yet",
    "rewritten_by": "the newer item names this one itself",
}
"""Names without a place in an article, with the reason."""
