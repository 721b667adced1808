"""An article that its sender continues under a new id: items of both ids are revisions of one article.

A sender may rewrite or correct an article under a new id, and name the former one (ninjs `evolvedfrom`). The article
keeps its address; a kill under either id removes it. An empty object in the folder of the new id leads to the article
(`keys.same_as_key`). The listing that each commit makes has it, so an ordinary item costs no further call to the store.

Items may arrive in any order. If the newer id already has a text and the former one has none, the former one leads to
the newer. One order has no solution: both ids have texts of their own before the item arrives that connects them. Then
both articles stay, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from services.ingest.domain.report import Report
from services.ingest.handler.commit import Committed, RawBytes
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.entries import Item
from services.ingest.handler.events import emit_events
from shared.model.article import Status
from shared.model.history import RevisionsAfter
from shared.model.lane import Lane
from shared.model.revision import Revision
from shared.site import keys

log = structlog.get_logger()

MAX_LINKS = 20  # of one chain of ids; a newsroom rewrites a story a few times
_BOTH_PUBLISHED = (
    "the item that this one rewrites is an article of its own with another address, because both were sent before the "
    "item that connects them; withdraw one of them"
)
CommitItem = Callable[[Item, IngestDeps], Committed]


def item_of_article(item: Item, target: str, deps: IngestDeps) -> Item:
    """Return the item as a revision of the article to which its id leads."""
    article = item.article
    if article.canonical_site is not None and article.canonical_article is not None:
        canonical = _root_of(article.canonical_site, article.canonical_article, deps)
        article = article.model_copy(update={"canonical_article": canonical})
    return replace(item, article=article, same_as=_root_of(item.site.id, target, deps))


def connect(item: Item, deps: IngestDeps, commit_item: CommitItem) -> Item:
    """Return an item that rewrites another as a revision of that article; store the connection first.

    Removals that arrived under the new id before are committed again, as removals of the article.
    """
    site, own = item.site.id, item.article_id
    former = keys.article_id(site, item.article.source, item.article.replaces[0])
    root = _root_of(site, former, deps)
    since = deps.revisions.since(site, own, "")
    if root == own:
        return item
    if since.same_as:
        return item_of_article(item, since.same_as, deps)
    if not _has_text(own, since, item, deps):
        return _connected(item, own, since, root, deps, commit_item)
    former_since = deps.revisions.since(site, root, "")
    if not _has_text(root, former_since, item, deps):
        _connected(replace(item, same_as=root), root, former_since, own, deps, commit_item)
        return item
    log.warning("article.not_connected", site=site, article=own, former=root)
    return replace(item, report=item.report.with_warning(_BOTH_PUBLISHED))


def _connected(
    item: Item, article: str, since: RevisionsAfter, target: str, deps: IngestDeps, commit_item: CommitItem
) -> Item:
    """Connect an id without a text to the target, and apply its removals there."""
    site = item.site.id
    deps.content.put(keys.same_as_key(site, article, target), b"", content_type="text/plain")
    log.info("article.connected", site=site, article=article, target=target)
    for name in since.names:
        removal = deps.revisions.get(site, article, name)
        if removal.action is None:
            emit_events(commit_item(_removal_of(removal, target, item), deps), deps)
        for key in (keys.unmatched_key(site, article, name), keys.unmatched_removal_key(site, article, name)):
            deps.content.delete(key)
    return item_of_article(item, target, deps)


def _removal_of(removal: Revision, target: str, item: Item) -> Item:
    return Item(
        article=removal.article,
        report=Report(format=item.report.format),
        raw=RawBytes(removal.raw_sha256, removal.raw_key, removal.raw_range),
        site=item.site,
        received_at=item.received_at,
        lane=Lane.URGENT,
        held_because=removal.held_because or "",
        same_as=target,
    )


def _has_text(article: str, since: RevisionsAfter, item: Item, deps: IngestDeps) -> bool:
    return any(deps.revisions.get(item.site.id, article, name).status is Status.USABLE for name in since.names)


def _root_of(site: str, article: str, deps: IngestDeps) -> str:
    """Return the article at the end of a chain of ids; of a ring, which two senders at once may make, the first."""
    seen = [article]
    while len(seen) <= MAX_LINKS:
        target = deps.revisions.since(site, seen[-1], "").same_as
        if not target:
            return seen[-1]
        if target in seen:
            break
        seen.append(target)
    return min(seen)
