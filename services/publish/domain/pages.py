"""The objects of the public bucket: bytes, and the metadata that the edge turns into HTTP headers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.messaging.page_bundle import RenderedPage, Stub
from shared.model.live_record import page_sha256
from shared.site import keys

_LOWEST_ORDER = "0" * 20
_FRONT_CACHE_CONTROL = "public, max-age=10, s-maxage=600, stale-while-revalidate=30"
_PAGE_CACHE_CONTROL = "public, max-age=30, s-maxage=3600, stale-while-revalidate=30"

_CACHE_CONTROL = {
    # pages
    "article": _PAGE_CACHE_CONTROL,
    "redirect": _PAGE_CACHE_CONTROL,
    "gone": "public, max-age=10, s-maxage=3600",
    "gone-file": "public, max-age=10, s-maxage=60",  # short: the purge of a picture that returns may be lost
    "deletion-marker": "no-store",  # the object is deleted next
    "stub": "no-store",  # the listing's own page follows at once
    # files
    "media": "public, max-age=3600, s-maxage=86400",
    "asset": "public, max-age=31536000, immutable",
}
"""Cache-Control by kind; the values of listings are in `shared/site/listing_kinds.py`.

`s-maxage` applies to the edge, which we purge; `max-age` applies to browsers, which no purge reaches.
"""


def cache_control_for(kind: str) -> str:
    """Return the Cache-Control of a kind of object; an unknown kind is cached as briefly as a front."""
    return _CACHE_CONTROL.get(kind, _FRONT_CACHE_CONTROL)


@dataclass(frozen=True, slots=True)
class Page:
    """One object for readers. `order` decides between two objects at the same path."""

    path: str
    order: str
    body: bytes
    content_type: str
    cache_control: str
    page_version: str
    article: str = ""
    surrogate_keys: tuple[str, ...] = ()
    status: int = 200
    location: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)  # maker of the bytes, time, message, inputs
    sha256: str = field(init=False)  # equal if two pages are the same to a reader: bytes, status and redirect target

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", page_sha256(self.body, self.status, self.location))

    @property
    def metadata(self) -> dict[str, str]:
        """Return the object's metadata without empty values (S3 allows 2 KB in all)."""
        values = {
            "article": self.article,
            "order": self.order,
            "sha256": self.sha256,
            "theme": self.page_version,  # the key is older than the word, and stays
            "surrogate-keys": " ".join(self.surrogate_keys),
            "status": str(self.status),
            "location": self.location,
            **self.provenance,
        }
        return {name: value for name, value in values.items() if value}


def provenance(rendered: RenderedPage) -> dict[str, str]:
    """Return the metadata that explains an object: maker, message, time, inputs; bounded, because S3 allows 2 KB."""
    values = {
        "made-by": rendered.made_by[:100],
        "made-for": rendered.made_for[:100],
        "made-at": rendered.made_at.isoformat(timespec="milliseconds"),
        "inputs": rendered.inputs[:200],
    }
    return {name: value for name, value in values.items() if value}


def redirect(path: str, order: str, *, to: str, article: str) -> Page:
    """Return the page that redirects (301) from an old address to the article's page at `to` (a path)."""
    location = keys.url_path(to)
    target = html.escape(location)
    return Page(
        path=path,
        order=order,
        body=_document("Moved", f'<p><a href="{target}">{target}</a></p>'),
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("redirect"),
        page_version="none",
        article=article,
        surrogate_keys=(keys.article_surrogate_key(article),),
        status=301,
        location=location,
    )


def gone(path: str, order: str, *, body: bytes, page_version: str, article: str) -> Page:
    """Return the 410 page of an article that was taken down."""
    return Page(
        path=path,
        order=order,
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("gone"),
        page_version=page_version,
        article=article,
        surrogate_keys=(keys.article_surrogate_key(article),),
        status=410,
    )


def gone_picture(path: str, *, body: bytes) -> Page:
    """Return the 410 page of a picture; it has no order, because a picture's path names its bytes."""
    return Page(
        path=path,
        order="",
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("gone-file"),
        page_version="none",
        surrogate_keys=(keys.path_surrogate_key(path),),
        status=410,
    )


def deletion_marker(path: str) -> Page:
    """Return the 410 object that stays at a path until the edge was purged; no edge stores it.

    It has no order: every publisher may put its page over it.
    """
    return Page(
        path=path,
        order="",
        body=GONE_BODY,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("deletion-marker"),
        page_version="none",
        surrogate_keys=(keys.path_surrogate_key(path),),
        status=410,
    )


def stub(listing: Stub, *, site: str, body: bytes, rendered: RenderedPage) -> Page:
    """Return the stub of a listing; the listing's first page has a higher order and replaces it.

    `rendered`: the page that links to the listing.
    """
    return Page(
        path=listing.path,
        order=_LOWEST_ORDER,
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("stub"),
        page_version=rendered.theme,
        surrogate_keys=(keys.listing_surrogate_key(site, listing.listing),),
        provenance=provenance(rendered),
    )


def _document(title: str, body: str) -> bytes:
    head = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body>{body}</body></html>\n".encode()


GONE_BODY = _document("Gone", "<h1>This article was taken down.</h1>")
"""The body of a taken-down address until the theme's own 410 page is published."""
