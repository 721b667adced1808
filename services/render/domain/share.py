"""Plain addresses that hand an article on. No script of another house, and nothing is fetched before a click."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from services.render.domain.labels import Labels


@dataclass(frozen=True, slots=True)
class ShareLink:
    """One way to hand an article on; `id` is what a theme styles it by."""

    id: str
    name: str
    url: str


def share_links(headline: str, url: str, labels: Labels) -> tuple[ShareLink, ...]:
    """Return the ways to share an article, the reader's own means first."""
    title, address = quote(headline, safe=""), quote(url, safe="")
    both = quote(f"{headline} {url}", safe="")
    return (
        ShareLink("email", labels.email, f"mailto:?subject={title}&body={address}"),
        ShareLink("whatsapp", "WhatsApp", f"https://wa.me/?text={both}"),
        ShareLink("x", "X", f"https://x.com/intent/post?text={title}&url={address}"),
        ShareLink("facebook", "Facebook", f"https://www.facebook.com/sharer/sharer.php?u={address}"),
    )
