"""The visible, technical and unused fields of an article.

Each field of the model is in exactly one of the three groups; a test fails otherwise. So a field that is reported as
kept is visible or has an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.ingest.domain.pointers import pointer
from shared.model.article import Article, Picture, RelatedLink, Status

_PICTURE_PARTS = ("media", "caption", "credit", "alt")
VISIBLE_FIELDS = frozenset(
    {
        *("headline", "kicker", "standfirst", "byline", "dateline", "body", "section", "correction_note"),
        *("authors.name", "authors.role", "topics.name", "keywords", "entities.name"),
        *("rights.holder", "rights.notice", "rights.usage_terms"),
        *(f"{field}.{part}" for field in ("picture", "pictures") for part in _PICTURE_PARTS),
        *("embeds.url", "embeds.title", "embeds.provider", "related.url", "related.title"),
        *("first_created", "first_published", "language", "direction", "slug", "canonical_url"),
    }
)
"""Visible on the page, in its head or in its address."""

TECHNICAL_FIELDS = {
    "site": "says where the article is published",
    "source": "is part of the article's identity",
    "source_id": "is part of the article's identity",
    "version": "orders the revisions",
    "version_created": "orders the revisions",
    "status": "says whether the article is shown",
    "urgency": "places the article on fronts",
    "embargo_until": "says when the article is shown",
    "expires_at": "says how long the article is shown",
    "old_addresses": "redirect to the article's page",
    "authors.uri": "tells two authors of one name apart",
    "topics.uri": "tells two topics of one name apart",
    "entities.uri": "tells two entities of one name apart",
    "entities.kind": "sorts entities",
    "embeds.kind": "decides the layout of an embed",
    "replaces": "connects the article with its former id",
    "canonical_site": "is set by the endpoint, for the canonical address",
    "canonical_article": "is set by the endpoint, for the canonical address",
    "body_pictures": "is set by the endpoint, from the body",
    **{
        f"{field}.{part}": "is measured at the upload"
        for field in ("picture", "pictures")
        for part in ("width", "height", "content_type")
    },
}
"""Not visible, with the effect of each."""

UNUSED_FIELDS = {
    "picture.renditions": "other sizes are not shown; only the picture in `media` is",
    "pictures.renditions": "other sizes are not shown; only the picture in `media` is",
    "related.source_id": "a related article is shown by its url; its id is not looked up",
    "related.relation": "the page does not show the relation of an article",
}
_ONE_FORMER_ID = "an article continues one other, the first that is named"
_NO_URL = "has no url, which a related article needs"
_NO_PICTURE = "has neither a picture nor a caption nor a credit"
_ALT_WITHOUT_PICTURE = "describes a picture that was not sent"


def invisible_parts(article: Article) -> Iterator[tuple[str, str]]:
    """Yield (pointer, reason) of the parts of an article that readers will not see; none of a removal."""
    if article.status is not Status.USABLE:
        return
    yield from _invisible_related_parts(article.related)
    if article.picture is not None:
        yield from _invisible_picture_parts(article.picture, ("picture",))
    for index, picture in enumerate(article.pictures):
        yield from _invisible_picture_parts(picture, ("pictures", index))
    for index, _ in enumerate(article.replaces[1:], start=1):
        yield pointer("replaces", index), _ONE_FORMER_ID


def invisible_fields(article: Article) -> frozenset[str]:
    """Return the fields that have a value and no visible entry."""
    found = {"related": bool(article.related) and all(each.url is None for each in article.related)}
    found["pictures"] = bool(article.pictures) and all(_is_empty(each) for each in article.pictures)
    found["picture"] = article.picture is not None and _is_empty(article.picture)
    return frozenset(name for name, is_invisible in found.items() if is_invisible and article.status is Status.USABLE)


def _invisible_related_parts(related: Sequence[RelatedLink]) -> Iterator[tuple[str, str]]:
    for index, each in enumerate(related):
        if each.url is None:
            yield pointer("related", index), _NO_URL
            continue
        for part in ("source_id", "relation"):
            if getattr(each, part) is not None:
                yield pointer("related", index, part), UNUSED_FIELDS[f"related.{part}"]


def _invisible_picture_parts(picture: Picture, path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if _is_empty(picture):
        yield pointer(*path), _NO_PICTURE
        return
    if picture.alt is not None and picture.media is None:
        yield pointer(*path, "alt"), _ALT_WITHOUT_PICTURE
    if picture.renditions:
        yield pointer(*path, "renditions"), UNUSED_FIELDS["picture.renditions"]


def _is_empty(picture: Picture) -> bool:
    return not (picture.media or picture.caption or picture.credit)
