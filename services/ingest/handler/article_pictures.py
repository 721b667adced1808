"""Checks that the pictures of an article were uploaded, and adds their dimensions."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.media import copy_picture, find_public_picture
from shared.model.addresses import media_in
from shared.model.article import Article, Picture, Status
from shared.storage import ObjectHead

_NOT_UPLOADED = "is not a picture that was uploaded for this site; send its bytes to POST /v1/media first"


def with_picture_facts(article: Article, deps: IngestDeps) -> Article:
    """Return the article with the dimensions of its pictures, which were measured at the upload.

    The enricher reports unknown pictures of the body. A removal has no pictures.

    Raises:
        RefusedError: 422, the lead or the gallery names a picture that was never uploaded.
    """
    if article.status is not Status.USABLE:
        return article
    listed = {pointer("pictures", index, "media"): each.media for index, each in enumerate(article.pictures)}
    listed[pointer("picture", "media")] = article.picture.media if article.picture else None
    listed = {where: media for where, media in listed.items() if media}
    in_body = media_in(article.body)
    digests = list(dict.fromkeys((*filter(None, listed.values()), *in_body)))
    if not digests:
        return article
    heads = _find_heads(digests, article, deps)
    faults = [Fault(where, _NOT_UPLOADED) for where, media in listed.items() if media not in heads]
    if faults:
        raise unacceptable(faults)
    return article.model_copy(
        update={
            "picture": _with_dimensions(article.picture, heads) if article.picture else None,
            "pictures": tuple(_with_dimensions(each, heads) for each in article.pictures),
            "body_pictures": tuple(_with_dimensions(Picture(media=each), heads) for each in in_body if each in heads),
        }
    )


def _find_heads(digests: list[str], article: Article, deps: IngestDeps) -> Mapping[str, ObjectHead]:
    """Return the heads of the uploaded pictures, by digest; several are read in parallel."""

    def find(digest: str) -> ObjectHead | None:
        head = find_public_picture(article.site, digest, deps)
        if head is None and article.canonical_site is not None:
            copy_picture(digest, source=article.canonical_site, target=article.site, deps=deps)
            head = find_public_picture(article.site, digest, deps)
        return head

    found = map(find, digests) if len(digests) == 1 else deps.executor.map(find, digests)
    return {digest: head for digest, head in zip(digests, found, strict=True) if head is not None}


def _with_dimensions(picture: Picture, heads: Mapping[str, ObjectHead]) -> Picture:
    head = heads.get(picture.media or "")
    if head is None:
        return picture
    facts = {
        "width": int(head.metadata["width"]),
        "height": int(head.metadata["height"]),
        "content_type": head.content_type,
    }
    return picture.model_copy(update=facts)
