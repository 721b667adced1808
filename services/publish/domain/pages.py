"""What is put into the public bucket: bytes with the metadata that the edge turns into HTTP."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.messaging.page_bundle import RenderedPage, Stub
from shared.model.live_record import page_sha256
from shared.site import keys

_LOWEST_ORDER = "0" * 20
_FRONT = "public, max-age=10, s-maxage=600, stale-while-revalidate=30"
_PAGE = "public, max-age=30, s-maxage=3600, stale-while-revalidate=30"

_CACHE_CONTROL = {
    # pages
    "article": _PAGE,
    "redirect": _PAGE,
    "gone": "public, max-age=10, s-maxage=3600",
    "gone-file": "public, max-age=10, s-maxage=60",  # a picture that comes back is purged by a call that may be lost
    "leaving": "no-store",  # on its way out of the bucket
    "stub": "no-store",  # the listing itself follows at once
    # files
    "media": "public, max-age=3600, s-maxage=86400",
    "asset": "public, max-age=31536000, immutable",
}
"""Cache-Control by kind; that of listings is in `shared/site/listing_kinds.py`.

`s-maxage` is the edge's, which is purged; `max-age` is what no purge can reach.
"""


def cache_control_for(kind: str) -> str:
    """Return the Cache-Control of a kind of object; a kind that is not known is cached as briefly as a front."""
    return _CACHE_CONTROL.get(kind, _FRONT)


@dataclass(frozen=True, slots=True)
class Page:
    """One object for readers. `order` decides between two of them at the same path."""

    path: str
    order: str
    body: bytes
    content_type: str
    cache_control: str
    theme: str
    article: str = ""
    surrogate_keys: tuple[str, ...] = ()
    status: int = 200
    location: str = ""
    provenance: Mapping[str, str] = field(
        default_factory=dict
    )  # who made the bytes, when, for which message, from what
    sha256: str = field(init=False)  # tells whether two pages are the same to a reader: bytes, status and target

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", page_sha256(self.body, self.status, self.location))

    @property
    def metadata(self) -> dict[str, str]:
        """Return the object's metadata; empty values are left out (S3 allows 2 KB in all)."""
        values = {
            "article": self.article,
            "order": self.order,
            "sha256": self.sha256,
            "theme": self.theme,
            "surrogate-keys": " ".join(self.surrogate_keys),
            "status": str(self.status),
            "location": self.location,
            **self.provenance,
        }
        return {name: value for name, value in values.items() if value}


def provenance(rendered: RenderedPage) -> dict[str, str]:
    """Return what an object says of its making, for whoever asks why it is as it is; bounded, for S3 allows 2 KB."""
    values = {
        "made-by": rendered.made_by[:100],
        "made-for": rendered.made_for[:100],
        "made-at": rendered.made_at.isoformat(timespec="milliseconds"),
        "inputs": rendered.inputs[:200],
    }
    return {name: value for name, value in values.items() if value}


def redirect(path: str, order: str, *, to: str, article: str) -> Page:
    """Return the page that sends readers of an old address on to the article's page at `to` (a path)."""
    location = keys.url_path(to)
    target = html.escape(location)
    return Page(
        path=path,
        order=order,
        body=_document("Moved", f'<p><a href="{target}">{target}</a></p>'),
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("redirect"),
        theme="none",
        article=article,
        surrogate_keys=(keys.article_surrogate_key(article),),
        status=301,
        location=location,
    )


def gone(path: str, order: str, *, body: bytes, theme: str, article: str) -> Page:
    """Return the page that says that an article was taken down."""
    return Page(
        path=path,
        order=order,
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("gone"),
        theme=theme,
        article=article,
        surrogate_keys=(keys.article_surrogate_key(article),),
        status=410,
    )


def gone_file(path: str, *, body: bytes) -> Page:
    """Return what stands where a picture was; a picture has no order, for its path names its bytes."""
    return Page(
        path=path,
        order="",
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("gone-file"),
        theme="none",
        surrogate_keys=(keys.path_surrogate_key(path),),
        status=410,
    )


def marker_of_deletion(path: str) -> Page:
    """Return what stands at a path until the edge was told that it goes: kept by no edge, and found by who looks.

    It has no order: whoever has a page for the path puts it.
    """
    return Page(
        path=path,
        order="",
        body=GONE_BODY,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("leaving"),
        theme="none",
        surrogate_keys=(keys.path_surrogate_key(path),),
        status=410,
    )


def stub(listing: Stub, *, site: str, body: bytes, rendered: RenderedPage) -> Page:
    """Return what is put at a listing's path until its first page is there; that one is of any higher order.

    `rendered`: the page that links to it.
    """
    return Page(
        path=listing.path,
        order=_LOWEST_ORDER,
        body=body,
        content_type="text/html; charset=utf-8",
        cache_control=cache_control_for("stub"),
        theme=rendered.theme,
        surrogate_keys=(keys.listing_surrogate_key(site, listing.listing),),
        provenance=provenance(rendered),
    )


def _document(title: str, body: str) -> bytes:
    head = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body>{body}</body></html>\n".encode()


GONE_BODY = _document("Gone", "<h1>This article was taken down.</h1>")
"""What a taken-down address says until the theme's own page for it is there."""
