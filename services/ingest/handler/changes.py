"""Lists the public files that the publication of a page, or a removal, would change.

The index decides which listings and which other articles' pages become stale, by the rules of a real change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from services.ingest.domain.dry_runs import Change
from shared.index import Index
from shared.messaging.page_bundle import ArticlePage
from shared.model.addresses import addresses_of, picture_files
from shared.model.article import Status
from shared.model.attachment import Attachment
from shared.model.history import Revisions, read_history
from shared.model.live_record import LiveRecord, page_sha256, read_record
from shared.site import keys
from shared.site.listings import ALL, Listing, find_article, find_listing
from shared.site.memberships import day_of, own_memberships, released_memberships
from shared.site.sites import Site
from shared.storage import ObjectStorage

_OWN_PAGE, _REDIRECT, _PICTURE, _THEME_FILE = "own page", "redirect", "picture", "file of the theme"
_SHOWS_CARD = "shows the card"


@dataclass(frozen=True, slots=True)
class ChangeSources:
    """The present state of one site, and the index, whose changes are not made."""

    site: Site
    content: ObjectStorage
    public: ObjectStorage
    revisions: Revisions
    index: Index


def changes_of_page(page: ArticlePage, body: bytes, sources: ChangeSources) -> tuple[Change, ...]:
    """Return the files that change if the page is published now; the article's own ones come first."""
    record, _ = read_record(sources.content, sources.site.id, page.article)
    own = dict(_own_files(page, body, record, sources))
    former = {*record.former_memberships, *page.former_memberships, *own_memberships(sources.site, page.card)}
    stale = sources.index.upsert(
        sources.site,
        page.card,
        page.revision,
        text=page_sha256(body),
        shows=page.shows,
        former_memberships=sorted(former),
    )
    return _changes(own, stale, page.article, sources)


def changes_of_removal(article: str, now: datetime, sources: ChangeSources) -> tuple[Change, ...]:
    """Return the files that change if the article's removal in force is carried out; none if no removal is in force."""
    site = sources.site
    history = read_history(sources.revisions, site.id, article)
    released = history.released(now)
    if not released or released[-1].status_at(now) is Status.USABLE:
        return ()
    record, _ = read_record(sources.content, site.id, article)
    addresses = addresses_of(released, site)
    paths = dict.fromkeys((*record.claimed, *(addresses.all if addresses else ())))
    own = {path: _OWN_PAGE for path in paths if not _has_status(path, HTTPStatus.GONE, sources)}
    pictures = picture_files(released, site)
    own |= {picture.path: _PICTURE for picture in pictures if _would_be_taken_down(picture, article, sources)}
    stale = sources.index.remove(
        site,
        article,
        history.revisions[-1].revision if history.is_killed else released[-1].revision,
        former_memberships=sorted({*record.former_memberships, *released_memberships(site, released)}),
        is_killed=released[-1].status_at(now) is Status.CANCELED,
    )
    return _changes(own, stale, article, sources)


def _own_files(page: ArticlePage, body: bytes, record: LiveRecord, sources: ChangeSources) -> Iterator[tuple[str, str]]:
    """Yield the path and the reason of each file that belongs to the article alone, or that its page needs."""
    if _metadata(page.path, sources).get("sha256") != page_sha256(body):  # the digest includes the status
        yield page.path, _OWN_PAGE
    location = keys.url_path(page.path)
    for path in dict.fromkeys((*record.claimed, *page.former)):
        if path == page.path:
            continue
        found = _metadata(path, sources)
        is_others = found.get("article", page.article) != page.article
        if not is_others and found.get("location") != location:
            yield path, _REDIRECT
    is_live_revision = (record.revision, record.path) == (page.revision, page.path)
    for file in page.attachments:
        is_public = _has_status(file.path, HTTPStatus.OK, sources)
        if not is_public and (file.is_immutable or not is_live_revision):
            yield file.path, _THEME_FILE if file.is_immutable else _PICTURE


def _changes(own: Mapping[str, str], stale: Iterable[str], article: str, sources: ChangeSources) -> tuple[Change, ...]:
    """Return the changes of own files and of stale pages, each path once."""
    found = dict(own)
    for page in stale:
        other = find_article(page)
        if other is None:
            listing = find_listing(sources.site, page)
            if listing is not None:
                found.setdefault(listing.path, _why(listing))
        elif other != article:
            record, _ = read_record(sources.content, sources.site.id, other)
            if record.path:
                found.setdefault(record.path, _SHOWS_CARD)
    base_url = sources.site.base_url
    return tuple(Change(path=path, url=base_url + keys.url_path(path), why=why) for path, why in found.items())


def _why(listing: Listing) -> str:
    """Return the reason why a listing changes: the articles that it lists, or the days that it names."""
    if day := day_of(listing.membership):
        return f"lists the day {day[1]}" + (f" of the section {day[0]}" if day[0] != ALL else "")
    kind, _, value = listing.membership.partition(":")
    if value:
        return f"lists the {kind} {value}"
    return "lists the newest articles" if listing.membership else "names the days that have articles"


def _would_be_taken_down(picture: Attachment, article: str, sources: ChangeSources) -> bool:
    """Tell whether a removed article's picture is public, and no other live article shows it."""
    if _has_status(picture.path, HTTPStatus.GONE, sources):
        return False
    prefix = keys.used_by_prefix(picture.source_key)
    users = {key.removeprefix(prefix) for key in sources.content.list_keys(prefix)} - {article}
    records = (read_record(sources.content, sources.site.id, each)[0] for each in sorted(users))
    return not any(picture.path in record.media for record in records)


def _has_status(path: str, status: HTTPStatus, sources: ChangeSources) -> bool:
    return _metadata(path, sources).get("status") == str(status.value)


def _metadata(path: str, sources: ChangeSources) -> Mapping[str, str]:
    """Return the metadata of the object at a path; empty if there is none."""
    head = sources.public.find_head(path)
    return head.metadata if head else {}
