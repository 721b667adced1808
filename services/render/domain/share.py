"""Links to share an article: plain addresses, no third-party script, no request before a click."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from services.render.domain.labels import Labels


@dataclass(frozen=True, slots=True)
class ShareLink:
    """One way to share an article; a theme uses `id` for its style."""

    id: str
    name: str
    url: str


def share_links(headline: str, url: str, labels: Labels) -> tuple[ShareLink, ...]:
    """Return the ways to share an article, e-mail first."""
    title, address = quote(headline, safe=""), quote(url, safe="")
    both = quote(f"{headline} {url}", safe="")
    return (
        ShareLink("email", labels.email, f"mailto:?subject={title}&body={address}"),
        ShareLink("whatsapp", "WhatsApp", f"https://wa.me/?text={both}"),
        ShareLink("x", "X", f"https://x.com/intent/post?text={title}&url={address}"),
        ShareLink("facebook", "Facebook", f"https://www.facebook.com/sharer/sharer.php?u={address}"),
    )
