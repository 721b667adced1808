"""The ports of the rendering handlers, and the provenance of each page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypedDict

import structlog

from services.render.ports import Asset, Theme
from shared.index import Index
from shared.messaging.messages import Batch
from shared.messaging.page_bundle import Stub
from shared.model.article import SafeHtml
from shared.model.attachment import Attachment
from shared.model.history import Revisions
from shared.runtime.errors import PreconditionFailedError
from shared.runtime.rebuild_runs import Runs
from shared.runtime.receipts import Receipts
from shared.site import keys
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_VERSION_HASH_CHARS = 12


@dataclass(frozen=True, slots=True)
class RenderDeps:
    """The ports of rendering, and the themes."""

    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index
    receipts: Receipts
    runs: Runs
    sites: Mapping[str, Site]
    theme_of: Callable[[Site], Theme]
    clock: Callable[[], datetime]
    preview_theme: Callable[[str], Theme]  # by the key of the theme's zip in the content bucket
    name: str  # of this process, for the provenance of pages
    readers: Executor  # threads for parallel calls to the store and to Redis
    stored_assets: dict[str, Attachment]  # theme files that this process has seen in the content bucket, by key
    texts: dict[tuple[str, str], SafeHtml] = field(default_factory=dict)  # bodies by (article, revision), for feeds


def page_version(theme: Theme, site: Site) -> str:
    """Return the page version: the theme's name, and a hash of the theme and of the site's settings."""
    digest = hashlib.sha256(f"{theme.version}\0{site.shown_settings}".encode()).hexdigest()
    return f"{theme.name}-{digest[:_VERSION_HASH_CHARS]}"


class PageProvenance(TypedDict):
    """The digest of a rendered page and its provenance."""

    sha256: str
    theme: str
    made_by: str
    made_for: str
    made_at: datetime


@dataclass(frozen=True)
class PageContext:
    """The inputs that all pages of a message share."""

    site: Site
    theme: Theme
    deps: RenderDeps
    is_preview: bool = False  # its pages are not published, so their theme's files are not stored
    stubs: dict[str, Stub] = field(default_factory=dict)  # rendered for these pages, by listing

    @cached_property
    def version(self) -> str:
        """Return the page version."""
        return page_version(self.theme, self.site)

    def provenance(self, message: Batch, body: bytes) -> PageProvenance:
        """Return a page's digest and provenance."""
        return PageProvenance(
            sha256=hashlib.sha256(body).hexdigest(),
            theme=self.version,
            made_by=self.deps.name,
            made_for=message.run or f"{type(message).__name__} {message.message_id}",
            made_at=self.deps.clock(),
        )

    def stored_assets(self, body: bytes) -> tuple[Attachment, ...]:
        """Store the theme's files that a page names in the content bucket; return them as attachments."""
        if self.is_preview:
            return ()
        names = (asset for asset in self.theme.assets if asset.name.encode() in body)
        return tuple(_stored_asset(asset, self.site.id, self.deps) for asset in names)


def _stored_asset(asset: Asset, site: str, deps: RenderDeps) -> Attachment:
    source = keys.asset_key(site, asset.name)
    if source not in deps.stored_assets:
        try:
            deps.content.put(source, asset.body, content_type=asset.content_type, unless_exists=True)
        except PreconditionFailedError:
            log.debug("asset.skipped", key=source)  # the name contains the hash, so the bytes are the same
        path = keys.asset_path(asset.name)
        attachment = Attachment(source_key=source, path=path, content_type=asset.content_type, is_immutable=True)
        deps.stored_assets[source] = attachment
    return deps.stored_assets[source]
