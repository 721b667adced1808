"""What both handlers render with, and how a page travels to its publisher."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.render.ports import Theme
from shared import keys
from shared.article import SafeHtml
from shared.errors import PreconditionFailedError
from shared.history import Revisions
from shared.index import Index
from shared.listings import HTML
from shared.messages import ArticleEnriched, Attachment, ListingStale, PageRendered, RebuildPages, follow_up
from shared.rebuilds import Rebuilds
from shared.receipts import Receipts
from shared.sites import Site, get_site
from shared.storage import ObjectStorage

log = structlog.get_logger()

MOST_INLINE_BYTES = 256 * 1024
_VERSION_CHARS = 12


@dataclass(frozen=True, slots=True)
class Renderer:
    """What rendering reads from, and the themes that it renders with."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    receipts: Receipts
    rebuilds: Rebuilds
    sites: Mapping[str, Site]
    theme_of: Callable[[Site], Theme]
    clock: Callable[[], datetime]
    trial_theme: Callable[[str], Theme]  # a theme that waits in the content bucket, by its key
    name: str  # of this process, for who asks who made a page
    readers: Executor  # the store's and Redis's answers are waited for side by side
    kept_assets: dict[str, Attachment]  # theme files that this process has seen in the content bucket, by their keys
    texts: dict[tuple[str, str], SafeHtml] = field(default_factory=dict)  # of (article, revision), for feeds


def page_version(theme: Theme, site: Site) -> str:
    """Return the version that pages carry: the theme's name, and a hash of the theme and of the site's settings."""
    digest = hashlib.sha256(f"{theme.version}\0{site.shown_settings}".encode()).hexdigest()
    return f"{theme.name}-{digest[:_VERSION_CHARS]}"


def page_of(
    message: ArticleEnriched | ListingStale | RebuildPages,
    renderer: Renderer,
    *,
    path: str,
    order: str,
    body: bytes,
    theme: Theme,
    surrogate_keys: tuple[str, ...],
    attachments: tuple[Attachment, ...] = (),
    content_type: str = HTML,
    inputs: str = "",
) -> PageRendered:
    """Return a page's message, without its bytes; those of its theme's files that it names come along."""
    return PageRendered(
        **follow_up(message, f"page:{path}:{order}"),
        site=message.site,
        path=path,
        order=order,
        sha256=hashlib.sha256(body).hexdigest(),
        content_type=content_type,
        surrogate_keys=surrogate_keys,
        attachments=(*attachments, *_kept(theme, body, message.site, renderer)),
        theme=page_version(theme, get_site(renderer.sites, message.site)),
        made_by=renderer.name,
        made_for=f"{type(message).__name__} {message.message_id}",
        made_at=renderer.clock(),
        inputs=inputs,
    )


def carrying(page: PageRendered, body: bytes, renderer: Renderer) -> PageRendered:
    """Return the message with the page's bytes in it, or with the key under which a large one waits."""
    packed = base64.b64encode(zlib.compress(body, level=6)).decode()
    if len(packed) <= MOST_INLINE_BYTES:
        return page.model_copy(update={"content": packed})
    key = keys.rendered_key(page.sha256)
    renderer.content.put(key, body, content_type=HTML)
    return page.model_copy(update={"content_key": key})


def _kept(theme: Theme, body: bytes, site: str, renderer: Renderer) -> tuple[Attachment, ...]:
    """Return the theme's files that a page names as attachments, each of them in the content bucket."""
    attachments = []
    for asset in theme.assets:
        if asset.name.encode() not in body:
            continue
        source = keys.asset_key(site, asset.name)
        known = renderer.kept_assets.get(source)
        if known is None:
            try:
                renderer.content.put(source, asset.body, content_type=asset.content_type, unless_exists=True)
            except PreconditionFailedError:
                log.debug("asset.known", key=source)  # its name holds its hash: the same bytes
            path = keys.asset_path(asset.name)
            known = Attachment(source_key=source, path=path, content_type=asset.content_type, is_immutable=True)
            renderer.kept_assets[source] = known
        attachments.append(known)
    return tuple(attachments)
