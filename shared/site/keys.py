"""Every key of the two buckets, in one place: what an operator sees in a listing is written here and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from urllib.parse import quote, unquote

from shared.model.lane import Lane

# --- the content bucket: private, and the truth -----------------------------------------------------------------


LIVE = "live.json"
TOMBSTONE = "tombstone."
ORIGINAL = "original"
PUBLIC = "public"
_NUMBER = re.compile("([0-9]+)")
_IN_ORDER = "234567abcdefghijklmnopqrstuvwxyz"  # the characters of an article's id, as they sort


def article_id(site: str, source: str, source_id: str) -> str:
    """Return the article's stable identity: 26 characters of base32 (130 bits)."""
    digest = hashlib.sha256(f"{site}\0{source}\0{source_id}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def article_share(article: str) -> float:
    """Return how far into all articles one stands, from 0 to 1: their ids are digests, so evenly spread."""
    share = 0.0
    for character in reversed(article[:6]):
        share = (max(0, _IN_ORDER.find(character)) + share) / len(_IN_ORDER)
    return share


def articles_prefix(site: str) -> str:
    """Return what the keys of all of a site's articles begin with."""
    return f"articles/{site}/"


def article_prefix(site: str, article: str) -> str:
    """Return what all keys of an article begin with."""
    return f"{articles_prefix(site)}{article}/"


def revisions_prefix(site: str, article: str) -> str:
    """Return what the keys of an article's revisions begin with; they sort by order."""
    return f"{article_prefix(site, article)}revisions/"


def revision_key(site: str, article: str, revision: str) -> str:
    """Return where an immutable revision lies."""
    return f"{revisions_prefix(site, article)}{revision}.json"


def revision_of(key: str) -> str:
    """Return the revision that a key of `revisions_prefix` names."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def enriched_prefix(site: str, article: str, revision: str) -> str:
    """Return what the keys of a revision's enriched objects begin with, one for each version of the enricher."""
    return f"{article_prefix(site, article)}enriched/{revision}."


def enriched_key(site: str, article: str, revision: str, enricher: str) -> str:
    """Return where the enriched object lies: a cache, made again at will."""
    return f"{enriched_prefix(site, article, revision)}{enricher}.json"


def enriched_folder(site: str, article: str) -> str:
    """Return what the keys of all enriched objects of an article begin with."""
    return f"{article_prefix(site, article)}enriched/"


def latest_enriched(found: Iterable[str], prefix: str) -> str | None:
    """Return the key of `enriched_prefix` that names the latest enricher: `e10` comes after `e9-words3`."""
    return max((key for key in found if key.startswith(prefix)), key=_by_numbers, default=None)


def _by_numbers(key: str) -> list[str | int]:
    """Return what sorts names by the numbers in them; text and numbers alternate, so that only like is compared."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(key))]


def live_key(site: str, article: str) -> str:
    """Return where an article's public state is recorded (written with If-Match only)."""
    return f"{article_prefix(site, article)}{LIVE}"


def tombstone_prefix(site: str, article: str) -> str:
    """Return what the keys of an article's tombstones begin with; behind its revisions: one listing has both."""
    return f"{article_prefix(site, article)}{TOMBSTONE}"


def tombstone_key(site: str, article: str, kill: str) -> str:
    """Return where the tombstone of a kill lies; one each, so that who clears an old one never clears a newer one."""
    return f"{tombstone_prefix(site, article)}{kill}.json"


def kill_of(key: str) -> str:
    """Return the kill that a tombstone's key names."""
    return key.rsplit("/", 1)[-1].removeprefix(TOMBSTONE).removesuffix(".json")


UNMATCHED = "unmatched."


def unmatched_prefix(site: str, article: str) -> str:
    """Return the prefix of an article's unmatched removals; it sorts behind its revisions: one listing has both."""
    return f"{article_prefix(site, article)}{UNMATCHED}"


def unmatched_key(site: str, article: str, removal: str) -> str:
    """Return the key of the (empty) mark that says: this removal arrived before its article and is in force."""
    return f"{unmatched_prefix(site, article)}{removal}"


def unmatched_of(key: str) -> str:
    """Return the removal that a key of `unmatched_prefix` names."""
    return key.rsplit("/", 1)[-1].removeprefix(UNMATCHED)


UNMATCHED_REMOVALS_PREFIX = "unmatched-removals/"


def unmatched_removals_prefix(site: str) -> str:
    """Return the prefix of a site's unmatched removals in force: one listing counts them."""
    return f"{UNMATCHED_REMOVALS_PREFIX}{site}/"


def unmatched_removal_key(site: str, article: str, removal: str) -> str:
    """Return the key of a site's (empty) entry for an unmatched removal in force."""
    return f"{unmatched_removals_prefix(site)}{article}~{removal}"


def unmatched_removal_of(key: str) -> tuple[str, str]:
    """Return (article, revision) of a key of `unmatched_removals_prefix`."""
    article, _, revision = key.rpartition("/")[2].partition("~")
    return article, revision


_MAX_SOURCE_KEY_BYTES = 900  # S3 allows 1,024 in a whole key


SOURCES_PREFIX = "sources/"


def sources_prefix(site: str) -> str:
    """Return the prefix of the sources that ever sent an article to a site."""
    return f"{SOURCES_PREFIX}{site}/"


def source_key(site: str, source: str) -> str | None:
    """Return the key of the (empty) entry of a source; None where its name is too long for a key."""
    name = quote(source, safe="")
    return f"{sources_prefix(site)}{name}" if len(name) <= _MAX_SOURCE_KEY_BYTES else None


def source_of_key(key: str) -> str:
    """Return the source that a key of `sources_prefix` names."""
    return unquote(key.rsplit("/", 1)[-1])


def raw_key(site: str, received_at: datetime, sha256: str) -> str:
    """Return where the bytes lie as they came: of one submission, or of all of a batch, one a line."""
    return f"raw/{site}/{received_at.astimezone(UTC):%Y/%m/%d}/{sha256}"


def media_key(site: str, digest: str) -> str:
    """Return where a picture lies as it came, for the record; it is never public."""
    return f"{media_prefix(site)}{digest}/{ORIGINAL}"


def public_media_key(site: str, digest: str) -> str:
    """Return where the public form of a picture lies: upright, one frame, without private data."""
    return f"{media_prefix(site)}{digest}/{PUBLIC}"


def media_prefix(site: str) -> str:
    """Return what the keys of all of a site's pictures begin with."""
    return f"media/{site}/"


def used_by_prefix(media: str) -> str:
    """Return what the keys of all articles that show a picture, or once did, begin with; `media` is the picture's."""
    return f"{media.rpartition('/')[0]}/used-by/"


def used_by_key(media: str, article: str) -> str:
    """Return the (empty) marker that is there before an article shows a picture."""
    return f"{used_by_prefix(media)}{article}"


def asset_key(site: str, name: str) -> str:
    """Return where a theme's file lies before its first page takes it public; the name holds its hash."""
    return f"{assets_prefix(site)}{name}"


def assets_prefix(site: str) -> str:
    """Return what the keys of all files of a site's themes begin with, of every version that a page was made with."""
    return f"assets/{site}/"


RENDERED_PREFIX = "rendered/"


def rendered_key(at: datetime, digest: str) -> str:
    """Return where a bundle too large for its message waits for its publisher; the keys sort by the hour."""
    return f"{RENDERED_PREFIX}{at.astimezone(UTC):%Y%m%dT%H}~{digest}"


def rebuild_key(site: str, run: str) -> str:
    """Return where it is kept how far a rebuild has come."""
    return f"rebuilds/{site}/{run}.json"


def preview_prefix(site: str, run: str) -> str:
    """Return the folder of a preview: its theme, if it tries one, and the bundles of its pages."""
    return f"previews/{site}/{run}/"


def preview_theme_key(preview: str) -> str:
    """Return where a preview's theme waits, as a zip of its folder."""
    return f"{preview}theme.zip"


def preview_bundle_key(preview: str, message: str) -> str:
    """Return where a bundle of a preview's pages lies."""
    return f"{preview}pages/{message}"


INBOX_PREFIX = "inbox/"


def inbox_key(site: str, lane: str, entry: str) -> str:
    """Return where an entry of submissions lies that were answered before they were read.

    An entry is named after its batch, so that the entries of a lane sort by time. That of a submission which is
    replayed alone is named after its receipt.
    """
    return f"{inbox_prefix(site, lane)}{entry}.json"


def inbox_prefix(site: str, lane: str) -> str:
    """Return what the keys of a lane's inbox entries begin with; followed by a batch's name, those of the batch's."""
    return f"inbox/{site}/{lane}/"


def inbox_entry(key: str) -> str:
    """Return the entry that a key of `inbox_prefix` names."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def receipt_key(site: str, receipt: str) -> str:
    """Return where the outcome of a revision lies that nothing else in the bucket tells: a failure."""
    return f"receipts/{site}/{receipt}.json"


def receipts_prefix(site: str, batch: str) -> str:
    """Return what the keys of the outcomes of a batch of submissions begin with."""
    return f"receipts/{site}/{batch}/"


def receipts_key(site: str, batch: str, numbers: Iterable[int]) -> str:
    """Return where the outcomes of these submissions of a batch lie: `0-11+14.json` has those of 0 to 11, and of 14."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] + 1 == number:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return f"{receipts_prefix(site, batch)}{'+'.join('-'.join(map(str, run)) for run in runs)}.json"


def receipt_numbers(key: str) -> set[int]:
    """Return the submissions of a batch whose outcomes lie under a key of `receipts_prefix`."""
    runs = (run.split("-") for run in key.rsplit("/", 1)[-1].removesuffix(".json").split("+"))
    return {number for run in runs for number in range(int(run[0]), int(run[-1]) + 1)}


def journal_prefix(site: str) -> str:
    """Return what the keys of a site's journal begin with; they sort by time."""
    return f"journal/{site}/"


def journal_minute(site: str, at: datetime) -> str:
    """Return the part of the journal that one minute fills."""
    return f"{journal_prefix(site)}{at.astimezone(UTC):%Y/%m/%d/%H/%M}/"


def journal_key(site: str, at: datetime, article: str, revision: str, lane: Lane) -> str:
    """Return an (empty) journal marker's key: all that it says is in its name. `lane` carries the event."""
    return f"{journal_minute(site, at)}{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}~{article}~{revision}~{lane}"


def journal_entry(key: str) -> tuple[datetime, str, str, Lane]:
    """Return (time, article, revision, lane) of a journal marker."""
    time, article, revision, lane = key.rsplit("/", 1)[-1].split("~")
    return datetime.strptime(time, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), article, revision, Lane(lane)


SCHEDULE_PREFIX = "schedule/"


def schedule_prefix(site: str) -> str:
    """Return what the keys of a site's future releases and expiries begin with; they sort by due time."""
    return f"schedule/{site}/"


def schedule_key(site: str, due: datetime, article: str, revision: str) -> str:
    """Return where a future release or expiry waits."""
    return f"{schedule_prefix(site)}{due.astimezone(UTC):%Y%m%dT%H%M%S%fZ}/{article}~{revision}"


def schedule_entry(key: str) -> tuple[datetime, str, str]:
    """Return (due, article, revision) of a schedule object."""
    due, name = key.rsplit("/", 2)[-2:]
    article, revision = name.split("~")
    return datetime.strptime(due, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), article, revision


def front_key(site: str, front: str) -> str:
    """Return where an editor's pins for a front lie: `home`, or a section's id."""
    return f"fronts/{site}/{front}.json"


DEAD_LETTERS_PREFIX = "dead-letters/"


def dead_letter_key(service: str, at: datetime, letter: str) -> str:
    """Return where a message that cannot succeed is kept with its reason."""
    return f"{dead_letters_prefix(service, at.astimezone(UTC).date())}{letter}.json"


def dead_letters_prefix(service: str, day: date | None = None) -> str:
    """Return what the keys of a service's dead letters begin with, of one day (UTC) or of all."""
    return f"dead-letters/{service}/" + (f"{day:%Y/%m/%d}/" if day else "")


def dead_letter_day(key: str) -> date:
    """Return the day (UTC) of a dead letter's key."""
    year, month, day = key.split("/")[2:5]
    return date(int(year), int(month), int(day))


def dead_letter_id(key: str) -> str:
    """Return the id of the message that a dead letter's key names."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def checkpoint_key(site: str) -> str:
    """Return where the sweep notes the journal minute up to which all was seen."""
    return f"scheduler/{site}/checkpoint.json"


def page_version_key(site: str) -> str:
    """Return where render notes the version of theme and settings that new pages carry."""
    return f"page-versions/{site}/current.json"


def version_counts_key(site: str) -> str:
    """Return where it is stored how many pages carry each version."""
    return f"page-versions/{site}/counts.json"


def token_key(sha256: str) -> str:
    """Return where a bearer token's rights lie; only its hash is known here."""
    return f"tokens/{sha256}.json"


TOKENS_PREFIX = "tokens/"


CONFORMANCE_PREFIX = "conformance/"


def conformance_key(bucket: str) -> str:
    """Return the key of a bucket's conformance result; the results of all buckets lie in the content bucket."""
    return f"conformance/{bucket}.json"


# --- either bucket ----------------------------------------------------------------------------------------------

PROBES_PREFIX = ".probe/"
"""What is put to try a store out, and removed again; a process killed in the midst may leave some there."""


def probe_prefix(probe: str) -> str:
    """Return what the keys of one probe begin with."""
    return f"{PROBES_PREFIX}{probe}/"


# --- the public bucket ------------------------------------------------------------------------------------------

INDEX_DOCUMENT = "index.html"


def url_path(path: str) -> str:
    """Return the path of the URL at which readers find a key of the public bucket: percent-encoded, so ASCII alone.

    Pages, feeds, sitemaps, `Location`, cache tags and purges all hold this form (RFC 3986, with upper-case digits).
    """
    return quote("/" + path.removesuffix(INDEX_DOCUMENT))


def is_picture(path: str) -> bool:
    """Tell whether a path is a picture's."""
    return path.startswith("media/")


def is_asset(path: str) -> bool:
    """Tell whether a path is that of a theme's file."""
    return path.startswith("assets/")


def source_of(site: str, path: str) -> str | None:
    """Return the key of the content bucket that a public file is copied from; None for a path that is a page's."""
    folder, _, name = path.partition("/")
    if is_asset(path):
        return asset_key(site, name)
    return public_media_key(site, name.partition("/")[0]) if folder == "media" else None


def media_path(digest: str, width: int, extension: str) -> str:
    """Return where a picture of some width in pixels is public."""
    return f"media/{digest}/{width}.{extension}"


def asset_path(name: str) -> str:
    """Return where a theme's file is public."""
    return f"assets/{name}"


def path_surrogate_key(path: str) -> str:
    """Return the cache tag that the edge gives every response for a path, a 404 too.

    An edge before several sites reads it as the path of the site by whose name it was asked to purge.
    """
    return f"path:{url_path(path)}"


def article_surrogate_key(article: str) -> str:
    """Return the cache tag of everything that shows an article's text; its id is that of one site's article."""
    return f"article:{article}"


def listing_surrogate_key(site: str, listing: str) -> str:
    """Return the cache tag of one listing of a site; others have listings of that name too."""
    return f"listing:{site}:{quote(listing)}"
