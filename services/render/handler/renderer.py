"""What the handlers render with, and what is said of each page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import structlog

from services.render.ports import Theme
from shared import keys
from shared.article import SafeHtml
from shared.bundles import Attachment, RenderedPage, Stub
from shared.errors import PreconditionFailedError
from shared.history import Revisions
from shared.index import Index
from shared.listings import HTML
from shared.messages import Batch
from shared.receipts import Receipts
from shared.runs import Runs
from shared.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_VERSION_CHARS = 12


@dataclass(frozen=True, slots=True)
class Renderer:
    """What rendering reads from, and the themes that it renders with."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    receipts: Receipts
    runs: Runs
    sites: Mapping[str, Site]
    theme_of: Callable[[Site], Theme]
    clock: Callable[[], datetime]
    preview_theme: Callable[[str], Theme]  # a theme that waits in the content bucket, by its key
    name: str  # of this process, for who asks who made a page
    readers: Executor  # the store's and Redis's answers are waited for side by side
    kept_assets: dict[str, Attachment]  # theme files that this process has seen in the content bucket, by their keys
    texts: dict[tuple[str, str], SafeHtml] = field(default_factory=dict)  # of (article, revision), for feeds


def page_version(theme: Theme, site: Site) -> str:
    """Return the version that pages carry: the theme's name, and a hash of the theme and of the site's settings."""
    digest = hashlib.sha256(f"{theme.version}\0{site.shown_settings}".encode()).hexdigest()
    return f"{theme.name}-{digest[:_VERSION_CHARS]}"


@dataclass(frozen=True)
class PageContext:
    """What all pages of a message are rendered with."""

    site: Site
    theme: Theme
    renderer: Renderer
    stubs: dict[str, Stub] = field(default_factory=dict)  # that were rendered for these pages, by listing

    @cached_property
    def version(self) -> str:
        """Return the version that the pages carry."""
        return page_version(self.theme, self.site)

    def page(
        self,
        message: Batch,
        *,
        path: str,
        order: str,
        body: bytes,
        surrogate_keys: tuple[str, ...],
        attachments: tuple[Attachment, ...] = (),
        content_type: str = HTML,
        inputs: str = "",
        wanted_version: int = 0,
        stubs: tuple[Stub, ...] = (),
    ) -> RenderedPage:
        """Return what is said of a page; the theme's files that it names come along as attachments."""
        return RenderedPage(
            path=path,
            order=order,
            sha256=hashlib.sha256(body).hexdigest(),
            content_type=content_type,
            surrogate_keys=surrogate_keys,
            attachments=(*attachments, *_stored_assets(self.theme, body, self.site.id, self.renderer)),
            theme=self.version,
            made_by=self.renderer.name,
            made_for=message.run or f"{type(message).__name__} {message.message_id}",
            made_at=self.renderer.clock(),
            inputs=inputs,
            wanted_version=wanted_version,
            stubs=stubs,
        )


def _stored_assets(theme: Theme, body: bytes, site: str, renderer: Renderer) -> tuple[Attachment, ...]:
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
