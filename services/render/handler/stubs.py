"""Stubs: empty pages of listings that a page links to and that were never published."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

from services.render.handler.deps import PageContext
from services.render.handler.listing_renderers import ListingInputs, body_of
from shared.index import Snapshot
from shared.messaging.page_bundle import Stub
from shared.site.listings import find_listing

_EMPTY_SNAPSHOT = Snapshot(cards=(), wanted_version=0, order=0)


def stubs_of(names: Iterable[str], context: PageContext) -> tuple[Stub, ...]:
    """Return the stub of each of these listings; a stub is rendered once per message."""
    stubs = context.stubs
    for name in names:
        listing = find_listing(context.site, name)
        if name not in stubs and listing is not None:
            body = body_of(ListingInputs(listing, _EMPTY_SNAPSHOT, context))
            content = base64.b64encode(zlib.compress(body, level=6)).decode()
            stubs[name] = Stub(listing=name, path=listing.path, content=content)
    return tuple(stubs[name] for name in names if name in stubs)
