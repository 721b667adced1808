"""The current and former addresses of an article: a function of its released revisions and of the site alone.

Revisions arrive in any order. At any time, the earliest and the latest revision that have arrived decide the address of
the page. So each pair of an earlier and a later revision gives an address of the article, even if no page was ever put
there. The addresses in the end do not depend on the order of arrival.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from shared.model.article import ArticleFacts, Picture, Status
from shared.model.attachment import Attachment
from shared.model.revision import Revision, stamp_of
from shared.model.slug import slug_of
from shared.site import keys
from shared.site.old_addresses import find_old_path
from shared.site.sites import Site, local_time

_ID_CHARACTERS_IN_PATH = 6
_MAX_FORMER_ADDRESSES = 50  # those of an arrival in order come first
_MAX_OLD_ADDRESSES = 40  # of all revisions; those of the first revisions come first
_MEDIA_NAME = re.compile(r"(?:media:|(?:https?://[^/\s]+)?/media/)?([0-9a-f]{64})(?:/[0-9]+\.[a-z]+)?")
_MEDIA_IN_MARKUP = re.compile(r"(?:media:|/media/|[\"'=\s])([0-9a-f]{64})(?![0-9a-zA-Z])")
_MAX_PICTURES_IN_BODY = 100
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Paths in the public bucket: the current path of the article's page, and former ones, which redirect to it."""

    current: str
    former: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Return every address, the current one first."""
        return (self.current, *self.former)


def addresses_of(released: Sequence[Revision], site: Site) -> Addresses | None:
    """Return an article's addresses, or None if none of its released revisions (oldest first) is usable."""
    usable = [revision for revision in released if revision.status is Status.USABLE]
    if not usable:
        return None
    article = usable[0].article_id
    starts = {_day_slug(each.article, each.revision, site): place for place, each in reversed(list(enumerate(usable)))}
    ends = {(each.article.section, each.article.slug): place for place, each in enumerate(usable)}
    current = article_path(article, usable[-1].article, usable[0].article, usable[0].revision, site)
    former: dict[str, None] = {}
    for path in _paths(starts, ends, article):
        if path != current:
            former[path] = None
        if len(former) == _MAX_FORMER_ADDRESSES:
            break
    old = old_paths((each.article for each in usable), current, site)
    return Addresses(current, tuple(dict.fromkeys((*former, *old))))


def old_paths(articles: Iterable[ArticleFacts], current: str, site: Site) -> tuple[str, ...]:
    """Return the paths of an article's pages at the newsroom's former system, without the current path."""
    found: dict[str, None] = {}
    for article in articles:
        for address in article.old_addresses:
            if (path := find_old_path(site, address)) and path != current and len(found) < _MAX_OLD_ADDRESSES:
                found[path] = None
    return tuple(found)


def published_at(earliest: ArticleFacts, revision: str) -> datetime:
    """Return the publication date of an article; `revision` names the earliest released revision.

    It is the later of the end of its embargo and the sender's date of publication, otherwise that revision's stamp. The
    sender's date of creation counts only without either: then an archive item has its own date, and its time of receipt
    only orders it.
    """
    if earliest.first_published is not None:
        return releasable_at(earliest, earliest.first_published)
    created = earliest.first_created if earliest.version_created is None else None
    return releasable_at(earliest, created or stamp_of(revision))


def releasable_at(facts: ArticleFacts, stamp: datetime) -> datetime:
    """Return the time of a revision's release: its stamp, or the end of its embargo if that is later."""
    return max(stamp, facts.embargo_until or stamp)


def article_path(article: str, latest: ArticleFacts, earliest: ArticleFacts, revision: str, site: Site) -> str:
    """Return the key of the article's page in the public bucket; `revision` names the earliest one.

    The day is the publication date, and the slug is the first revision's, so a corrected headline does not move the
    page. The section is the latest revision's. The path always has six characters of the article's id, so that two
    articles do not share a path.
    """
    day, first_slug = _day_slug(earliest, revision, site)
    return _path(latest.section, day, latest.slug or first_slug, article)


def media_named_by(address: str) -> str | None:
    """Return the digest of the uploaded picture in an address (`media:{digest}`, a public URL or the bare digest)."""
    found = _MEDIA_NAME.fullmatch(address.strip())
    return found[1] if found else None


def media_in(body: str) -> tuple[str, ...]:
    """Return the digests of uploaded pictures that a body may name, in order, at most 100; some may name no picture."""
    if "<img" not in body.lower():
        return ()
    return tuple(dict.fromkeys(_MEDIA_IN_MARKUP.findall(body)))[:_MAX_PICTURES_IN_BODY]


def is_showable(picture: Picture) -> bool:
    """Tell whether the bytes, the size and the type of a picture are known."""
    return bool(picture.media and picture.width and picture.height and picture.content_type)


def shown_pictures(facts: ArticleFacts) -> tuple[Picture, ...]:
    """Return the pictures of the article's page: the lead picture, those in the body, the gallery."""
    pictures = (*((facts.picture,) if facts.picture else ()), *facts.body_pictures, *facts.pictures)
    return tuple(picture for picture in pictures if is_showable(picture))


def picture_path(picture: Picture) -> str:
    """Return the public path of a picture of `shown_pictures`."""
    return keys.media_path(str(picture.media), picture.width or 0, _EXTENSIONS[str(picture.content_type)])


def picture_file(picture: Picture, site: Site) -> Attachment:
    """Return the file of a picture of `shown_pictures`: it must be public before the page."""
    source = keys.public_media_key(site.id, str(picture.media))
    return Attachment(source_key=source, path=picture_path(picture), content_type=str(picture.content_type))


def files_shown(facts: ArticleFacts, site: Site) -> tuple[Attachment, ...]:
    """Return the picture files of an article's page, each once, the lead picture first."""
    files = (picture_file(picture, site) for picture in shown_pictures(facts))
    return tuple({file.path: file for file in files}.values())


def picture_files(released: Sequence[Revision], site: Site) -> tuple[Attachment, ...]:
    """Return the picture files that the article shows or may have shown, sorted by path."""
    shown = (files_shown(each.article, site) for each in released if each.status is Status.USABLE)
    files = {file.path: file for each in shown for file in each}
    return tuple(files[path] for path in sorted(files))


def _paths(
    starts: Mapping[tuple[str, str], int], ends: Mapping[tuple[str, str | None], int], article: str
) -> Iterator[str]:
    """Yield the path that each pair of an earlier and a later revision gives, those of the first revision first."""
    for (day, first_slug), first in sorted(starts.items(), key=itemgetter(1)):
        for (section, slug), last in sorted(ends.items(), key=itemgetter(1)):
            if first <= last:
                yield _path(section, day, slug or first_slug, article)


def _day_slug(earliest: ArticleFacts, revision: str, site: Site) -> tuple[str, str]:
    day = local_time(published_at(earliest, revision), site.zone)
    return f"{day:%Y/%m/%d}", earliest.slug or slug_of(earliest.headline, script=site.slug)


def _path(section: str, day: str, slug: str, article: str) -> str:
    return f"{section}/{day}/{slug}-{article[:_ID_CHARACTERS_IN_PATH]}/{keys.INDEX_DOCUMENT}"
