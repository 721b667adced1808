"""Which field of an article readers see, which serves the machine, and which is left out, with the reason.

Every field of the model stands in exactly one of these. A field that is accepted and in none fails a test: nothing
that a sender is told is kept may be invisible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.ingest.domain.pointers import pointer
from shared.model.article import Article, Picture, RelatedLink, Status

_PICTURE = ("media", "caption", "credit", "alt")
SEEN = frozenset(
    {
        *("headline", "kicker", "standfirst", "byline", "dateline", "body", "section", "correction_note"),
        *("authors.name", "authors.role", "topics.name", "keywords", "entities.name"),
        *("rights.holder", "rights.notice", "rights.usage_terms"),
        *(f"{field}.{part}" for field in ("picture", "pictures") for part in _PICTURE),
        *("embeds.url", "embeds.title", "embeds.provider", "related.url", "related.title"),
        *("first_created", "language", "direction", "slug", "canonical_url"),
    }
)
"""On the page, in its head, or in its address."""

SERVES = {
    "site": "says where the article is published",
    "source": "is part of the article's identity",
    "source_id": "is part of the article's identity",
    "version": "orders the revisions",
    "version_created": "orders the revisions",
    "status": "says whether the article is shown",
    "urgency": "places the article on fronts",
    "embargo_until": "says when the article is shown",
    "expires_at": "says how long the article is shown",
    "authors.uri": "tells two authors of one name apart",
    "topics.uri": "tells two topics of one name apart",
    "entities.uri": "tells two entities of one name apart",
    "entities.kind": "sorts entities",
    "embeds.kind": "says which box an embed has",
    "canonical_site": "is set by the endpoint, for the canonical address",
    "canonical_article": "is set by the endpoint, for the canonical address",
    "body_pictures": "is set by the endpoint, from the body",
    **{
        f"{field}.{part}": "is measured at the upload, whatever the sender says"
        for field in ("picture", "pictures")
        for part in ("width", "height", "content_type")
    },
}
"""Not for the eye, by its nature."""

LEFT_OUT = {
    "picture.renditions": "other sizes are not shown; the picture that `media` names is",
    "pictures.renditions": "other sizes are not shown; the picture that `media` names is",
    "related.source_id": "a related article is shown by its url; its id is not looked up",
    "related.relation": "the page does not say how an article is related",
    "replaces": "no article is replaced by this one; withdraw the other",
}
_NO_ADDRESS = "has no url, by which a related article is shown"
_NO_PICTURE = "holds neither a picture nor a caption nor a credit"
_ALT_ALONE = "describes a picture that was not sent"


def left_out(article: Article) -> Iterator[tuple[str, str]]:
    """Yield pointer and reason of all that an article holds and no reader will see; of a removal, nothing."""
    if article.status is not Status.USABLE:
        return
    yield from _of_related(article.related)
    if article.picture is not None:
        yield from _of_picture(article.picture, ("picture",))
    for place, picture in enumerate(article.pictures):
        yield from _of_picture(picture, ("pictures", place))
    for place, _ in enumerate(article.replaces):
        yield pointer("replaces", place), LEFT_OUT["replaces"]


def fields_left_out_whole(article: Article) -> frozenset[str]:
    """Return the lists of which no entry is seen."""
    found = {"replaces": bool(article.replaces)}
    found["related"] = bool(article.related) and all(each.url is None for each in article.related)
    found["pictures"] = bool(article.pictures) and all(_is_empty(each) for each in article.pictures)
    found["picture"] = article.picture is not None and _is_empty(article.picture)
    return frozenset(name for name, is_out in found.items() if is_out and article.status is Status.USABLE)


def _of_related(related: Sequence[RelatedLink]) -> Iterator[tuple[str, str]]:
    for place, each in enumerate(related):
        if each.url is None:
            yield pointer("related", place), _NO_ADDRESS
            continue
        for part in ("source_id", "relation"):
            if getattr(each, part) is not None:
                yield pointer("related", place, part), LEFT_OUT[f"related.{part}"]


def _of_picture(picture: Picture, path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if _is_empty(picture):
        yield pointer(*path), _NO_PICTURE
        return
    if picture.alt is not None and picture.media is None:
        yield pointer(*path, "alt"), _ALT_ALONE
    if picture.renditions:
        yield pointer(*path, "renditions"), LEFT_OUT["picture.renditions"]


def _is_empty(picture: Picture) -> bool:
    return not (picture.media or picture.caption or picture.credit)
