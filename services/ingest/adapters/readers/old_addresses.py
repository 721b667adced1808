"""Takes an article's address at the newsroom's former system, which becomes a redirect to its page."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from shared.site.old_addresses import old_address_of, old_path
from shared.site.sites import Site

_MAX_OLD_ADDRESSES = 20  # the model's limit


def add_old_address(builder: ArticleBuilder, site: Site, url: str, origin: str) -> None:
    """Add an old address; one that cannot become a redirect is left out, with a warning."""
    try:
        address = old_address_of(url)
        old_path(site, address)
    except (ValueError, UnicodeError) as error:
        reason = "is not a readable address" if isinstance(error, UnicodeError) else str(error)
        builder.drop(origin, f"{reason}; no redirect leads from it")
        builder.warn(f"the old address {reason}; no redirect leads from it")
        return
    known = builder.values.get("old_addresses", [])
    if address not in known and len(known) < _MAX_OLD_ADDRESSES:
        builder.add_entry("old_addresses", address, origin)
