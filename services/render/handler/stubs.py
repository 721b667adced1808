"""Stubs: the listings with nothing in them that a page links to and that nobody has put yet."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

from services.render.handler.deps import PageContext
from services.render.handler.listing_renderers import ListingInputs, body_of
from shared.index import Snapshot
from shared.messaging.page_bundle import Stub
from shared.site.listings import find_listing

_NOTHING = Snapshot(cards=(), wanted_version=0, order=0)


def stubs_of(names: Iterable[str], context: PageContext) -> tuple[Stub, ...]:
    """Return the stub of each of these listings; each is rendered once in a message."""
    known = context.stubs
    for name in names:
        listing = find_listing(context.site, name)
        if name not in known and listing is not None:
            body = body_of(ListingInputs(listing, _NOTHING, context))
            content = base64.b64encode(zlib.compress(body, level=6)).decode()
            known[name] = Stub(listing=name, path=listing.path, content=content)
    return tuple(known[name] for name in names if name in known)
