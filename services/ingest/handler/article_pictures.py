"""The pictures that an article names: whether their bytes are known, and how large they are."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.media import copy_picture, find_public_picture
from shared.model.addresses import media_in
from shared.model.article import Article, Picture, Status
from shared.storage import ObjectHead

_UNKNOWN = "is not a picture that was uploaded for this site; send its bytes to POST /v1/media first"


def with_picture_facts(article: Article, deps: IngestDeps) -> Article:
    """Return the article with the measures of its pictures, as they were taken when each was uploaded.

    A picture of the body that is not known is left to the enricher, which says so. A removal shows none.

    Raises:
        RefusedError: 422, the lead or the gallery names a picture that was never uploaded.
    """
    if article.status is not Status.USABLE:
        return article
    listed = {pointer("pictures", place, "media"): each.media for place, each in enumerate(article.pictures)}
    listed[pointer("picture", "media")] = article.picture.media if article.picture else None
    listed = {where: media for where, media in listed.items() if media}
    in_body = media_in(article.body)
    wanted = list(dict.fromkeys((*filter(None, listed.values()), *in_body)))
    if not wanted:
        return article
    heads = _find_heads(wanted, article, deps)
    faults = [Fault(where, _UNKNOWN) for where, media in listed.items() if media not in heads]
    if faults:
        raise unacceptable(faults)
    return article.model_copy(
        update={
            "picture": _measured(article.picture, heads) if article.picture else None,
            "pictures": tuple(_measured(each, heads) for each in article.pictures),
            "body_pictures": tuple(_measured(Picture(media=each), heads) for each in in_body if each in heads),
        }
    )


def _find_heads(wanted: list[str], article: Article, deps: IngestDeps) -> Mapping[str, ObjectHead]:
    """Return the heads of those that are known; several are asked for side by side."""

    def find(digest: str) -> ObjectHead | None:
        head = find_public_picture(article.site, digest, deps)
        if head is None and article.canonical_site is not None:
            copy_picture(digest, source=article.canonical_site, target=article.site, deps=deps)
            head = find_public_picture(article.site, digest, deps)
        return head

    found = map(find, wanted) if len(wanted) == 1 else deps.executor.map(find, wanted)
    return {digest: head for digest, head in zip(wanted, found, strict=True) if head is not None}


def _measured(picture: Picture, heads: Mapping[str, ObjectHead]) -> Picture:
    head = heads.get(picture.media or "")
    if head is None:
        return picture
    facts = {
        "width": int(head.metadata["width"]),
        "height": int(head.metadata["height"]),
        "content_type": head.content_type,
    }
    return picture.model_copy(update=facts)
