"""What stands where a listing will be, for a page that leads there and is quicker: the listing with nothing in it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

from services.render.handler.kinds import Copy, body_of
from services.render.handler.renderer import Renderer
from services.render.ports import Theme
from shared.index import Snapshot
from shared.listings import find_listing
from shared.messages import Placeholder
from shared.sites import Site

_NOTHING = Snapshot(cards=(), changed=0, order=0)


def placeholders_of(names: Iterable[str], site: Site, theme: Theme, renderer: Renderer) -> tuple[Placeholder, ...]:
    """Return, for each of these listings, its page as it is while it lists nothing."""
    found = (listing for name in names if (listing := find_listing(site, name)) is not None)
    return tuple(
        Placeholder(
            listing=listing.name,
            path=listing.path,
            content=base64.b64encode(
                zlib.compress(body_of(Copy(site, listing, _NOTHING, theme, renderer)), level=6)
            ).decode(),
        )
        for listing in found
    )
