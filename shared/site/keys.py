"""All keys of the two buckets. No other module builds or parses a key."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from urllib.parse import quote, unquote

from shared.model.lane import Lane

# --- the content bucket: private, the source of truth -----------------------------------------------------------------


LIVE = "live.json"
TOMBSTONE = "tombstone."
ORIGINAL = "original"
PUBLIC = "public"
_NUMBER = re.compile("([0-9]+)")
_SORTED_ID_CHARACTERS = "234567abcdefghijklmnopqrstuvwxyz"  # of an article's id


def article_id(site: str, source: str, source_id: str) -> str:
    """Return the article's stable identity: 26 characters of base32 (130 bits)."""
    digest = hashlib.sha256(f"{site}\0{source}\0{source_id}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def article_share(article: str) -> float:
    """Return the share of articles (0 to 1) whose ids sort before this one: ids are digests, so evenly spread."""
    share = 0.0
    for character in reversed(article[:6]):
        share = (max(0, _SORTED_ID_CHARACTERS.find(character)) + share) / len(_SORTED_ID_CHARACTERS)
    return share


def articles_prefix(site: str) -> str:
    """Return the prefix of all articles of a site."""
    return f"articles/{site}/"


def article_prefix(site: str, article: str) -> str:
    """Return the prefix of all objects of an article."""
    return f"{articles_prefix(site)}{article}/"


def revisions_prefix(site: str, article: str) -> str:
    """Return the prefix of an article's revisions; their keys sort in the order of the revisions."""
    return f"{article_prefix(site, article)}revisions/"


def revision_key(site: str, article: str, revision: str) -> str:
    """Return the key of a revision; the object is immutable."""
    return f"{revisions_prefix(site, article)}{revision}.json"


def revision_of(key: str) -> str:
    """Return the revision in a key of `revisions_prefix`."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def enriched_prefix(site: str, article: str, revision: str) -> str:
    """Return the prefix of a revision's enriched objects, one for each version of the enricher."""
    return f"{article_prefix(site, article)}enriched/{revision}."


def enriched_key(site: str, article: str, revision: str, enricher: str) -> str:
    """Return the key of an enriched object: a cache, which can be rebuilt."""
    return f"{enriched_prefix(site, article, revision)}{enricher}.json"


def enriched_folder(site: str, article: str) -> str:
    """Return the prefix of all enriched objects of an article."""
    return f"{article_prefix(site, article)}enriched/"


def latest_enriched(found: Iterable[str], prefix: str) -> str | None:
    """Return the key of the latest enricher's object under a prefix: `e10` comes after `e9-words3`."""
    return max((key for key in found if key.startswith(prefix)), key=_by_numbers, default=None)


def _by_numbers(key: str) -> list[str | int]:
    """Return a sort key of alternating text and numbers, so that numbers compare as numbers."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(key))]


def live_key(site: str, article: str) -> str:
    """Return the key of an article's record (written only with If-Match)."""
    return f"{article_prefix(site, article)}{LIVE}"


def tombstone_prefix(site: str, article: str) -> str:
    """Return the prefix of an article's tombstones; it sorts after the revisions, so one listing has both."""
    return f"{article_prefix(site, article)}{TOMBSTONE}"


def tombstone_key(site: str, article: str, kill: str) -> str:
    """Return the key of a kill's tombstone; each kill has its own, so that a restore never deletes a newer one."""
    return f"{tombstone_prefix(site, article)}{kill}.json"


def kill_of(key: str) -> str:
    """Return the kill in a tombstone's key."""
    return key.rsplit("/", 1)[-1].removeprefix(TOMBSTONE).removesuffix(".json")


UNMATCHED = "unmatched."


def same_as_prefix(site: str, article: str) -> str:
    """Return the prefix of the object that names the article to which an item's own id leads.

    It sorts after the revisions, so that the listing of an article's revisions has it.
    """
    return f"{article_prefix(site, article)}same-as/"


def same_as_key(site: str, article: str, target: str) -> str:
    """Return the key of an empty object: items with the id of `article` are revisions of `target`."""
    return f"{same_as_prefix(site, article)}{target}"


def same_as_of(key: str) -> str:
    """Return the target in a key of `same_as_prefix`."""
    return key.rsplit("/", 1)[-1]


def unmatched_prefix(site: str, article: str) -> str:
    """Return the prefix of an article's unmatched removals; it sorts after the revisions, so one listing has both."""
    return f"{article_prefix(site, article)}{UNMATCHED}"


def unmatched_key(site: str, article: str, removal: str) -> str:
    """Return the key of the (empty) object of an unmatched removal in force."""
    return f"{unmatched_prefix(site, article)}{removal}"


def unmatched_of(key: str) -> str:
    """Return the removal in a key of `unmatched_prefix`."""
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
    """Return the prefix of all sources that have sent an article to a site."""
    return f"{SOURCES_PREFIX}{site}/"


def source_key(site: str, source: str) -> str | None:
    """Return the key of a source's (empty) entry; None if its name is too long for a key."""
    name = quote(source, safe="")
    return f"{sources_prefix(site)}{name}" if len(name) <= _MAX_SOURCE_KEY_BYTES else None


def source_of_key(key: str) -> str:
    """Return the source in a key of `sources_prefix`."""
    return unquote(key.rsplit("/", 1)[-1])


def raw_key(site: str, received_at: datetime, sha256: str) -> str:
    """Return the key of received bytes: of one submission, or of a batch (one submission on each line)."""
    return f"raw/{site}/{received_at.astimezone(UTC):%Y/%m/%d}/{sha256}"


def media_key(site: str, digest: str) -> str:
    """Return the key of a picture as received; it is never public."""
    return f"{media_prefix(site)}{digest}/{ORIGINAL}"


def public_media_key(site: str, digest: str) -> str:
    """Return the key of a picture's public form: upright, one frame, without private metadata."""
    return f"{media_prefix(site)}{digest}/{PUBLIC}"


def media_prefix(site: str) -> str:
    """Return the prefix of all pictures of a site."""
    return f"media/{site}/"


def used_by_prefix(media: str) -> str:
    """Return the prefix of the entries of all articles that show a picture or once did; `media` is its key."""
    return f"{media.rpartition('/')[0]}/used-by/"


def used_by_key(media: str, article: str) -> str:
    """Return the key of an (empty) entry, which is put before an article shows a picture."""
    return f"{used_by_prefix(media)}{article}"


def asset_key(site: str, name: str) -> str:
    """Return the key of a theme file; its name contains its hash."""
    return f"{assets_prefix(site)}{name}"


def assets_prefix(site: str) -> str:
    """Return the prefix of a site's theme files, of all versions that a page was rendered with."""
    return f"assets/{site}/"


RENDERED_PREFIX = "rendered/"


def rendered_key(at: datetime, digest: str) -> str:
    """Return the key of a bundle that is too large for its message; the keys sort by hour."""
    return f"{RENDERED_PREFIX}{at.astimezone(UTC):%Y%m%dT%H}~{digest}"


def rebuild_key(site: str, run: str) -> str:
    """Return the key of a rebuild's progress."""
    return f"rebuilds/{site}/{run}.json"


def preview_prefix(site: str, run: str) -> str:
    """Return the folder of a preview: the bundles of its pages and, if it has one, its theme."""
    return f"previews/{site}/{run}/"


def preview_theme_key(preview: str) -> str:
    """Return the key of a preview's theme, a zip of its folder."""
    return f"{preview}theme.zip"


def preview_bundle_key(preview: str, message: str) -> str:
    """Return the key of a bundle of a preview's pages."""
    return f"{preview}pages/{message}"


INBOX_PREFIX = "inbox/"


def inbox_key(site: str, lane: str, entry: str) -> str:
    """Return the key of an inbox entry: submissions that were answered before they were read.

    An entry is named after its batch, so that the entries of a lane sort by time. The entry of a single replayed
    submission is named after its receipt.
    """
    return f"{inbox_prefix(site, lane)}{entry}.json"


def inbox_prefix(site: str, lane: str) -> str:
    """Return the prefix of a lane's inbox entries; with a batch's id appended, of the batch's entries."""
    return f"inbox/{site}/{lane}/"


def inbox_entry(key: str) -> str:
    """Return the entry in a key of `inbox_prefix`."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def receipt_key(site: str, receipt: str) -> str:
    """Return the key of a revision's stored receipt: a failure, which no other object has."""
    return f"receipts/{site}/{receipt}.json"


def receipts_prefix(site: str, batch: str) -> str:
    """Return the prefix of the stored receipts of a batch of submissions."""
    return f"receipts/{site}/{batch}/"


def receipts_key(site: str, batch: str, numbers: Iterable[int]) -> str:
    """Return the key of the receipts of these submissions of a batch: `0-11+14.json` has 0 to 11 and 14."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][-1] + 1 == number:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return f"{receipts_prefix(site, batch)}{'+'.join('-'.join(map(str, each)) for each in ranges)}.json"


def receipt_numbers(key: str) -> set[int]:
    """Return the numbers of the submissions in a key of `receipts_prefix`."""
    ranges = (each.split("-") for each in key.rsplit("/", 1)[-1].removesuffix(".json").split("+"))
    return {number for each in ranges for number in range(int(each[0]), int(each[-1]) + 1)}


def journal_prefix(site: str) -> str:
    """Return the prefix of a site's journal; its keys sort by time."""
    return f"journal/{site}/"


def journal_minute(site: str, at: datetime) -> str:
    """Return the prefix of one minute of the journal."""
    return f"{journal_prefix(site)}{at.astimezone(UTC):%Y/%m/%d/%H/%M}/"


def journal_key(site: str, at: datetime, article: str, revision: str, lane: Lane) -> str:
    """Return the key of an (empty) journal entry; the key has all its data. `lane` is the lane of the event."""
    return f"{journal_minute(site, at)}{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}~{article}~{revision}~{lane}"


def journal_entry(key: str) -> tuple[datetime, str, str, Lane]:
    """Return (time, article, revision, lane) of a journal entry's key."""
    time, article, revision, lane = key.rsplit("/", 1)[-1].split("~")
    return datetime.strptime(time, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), article, revision, Lane(lane)


SCHEDULE_PREFIX = "schedule/"


def schedule_prefix(site: str) -> str:
    """Return the prefix of a site's future releases and expiries; their keys sort by due time."""
    return f"schedule/{site}/"


def schedule_key(site: str, due: datetime, article: str, revision: str) -> str:
    """Return the key of a future release or expiry."""
    return f"{schedule_prefix(site)}{due.astimezone(UTC):%Y%m%dT%H%M%S%fZ}/{article}~{revision}"


def schedule_entry(key: str) -> tuple[datetime, str, str]:
    """Return (due time, article, revision) of a key of `schedule_prefix`."""
    due, name = key.rsplit("/", 2)[-2:]
    article, revision = name.split("~")
    return datetime.strptime(due, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), article, revision


def front_key(site: str, front: str) -> str:
    """Return the key of the pins of a front: `home`, or a section's id."""
    return f"fronts/{site}/{front}.json"


DEAD_LETTERS_PREFIX = "dead-letters/"


def dead_letter_key(service: str, at: datetime, letter: str) -> str:
    """Return the key of a dead letter."""
    return f"{dead_letters_prefix(service, at.astimezone(UTC).date())}{letter}.json"


def dead_letters_prefix(service: str, day: date | None = None) -> str:
    """Return the prefix of a service's dead letters, of one day (UTC) or of all days."""
    return f"dead-letters/{service}/" + (f"{day:%Y/%m/%d}/" if day else "")


def dead_letter_day(key: str) -> date:
    """Return the day (UTC) of a dead letter's key."""
    year, month, day = key.split("/")[2:5]
    return date(int(year), int(month), int(day))


def dead_letter_id(key: str) -> str:
    """Return the message id in a dead letter's key."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def checkpoint_key(site: str) -> str:
    """Return the key of the sweep's checkpoint."""
    return f"scheduler/{site}/checkpoint.json"


def page_version_key(site: str) -> str:
    """Return the key of the page version of new pages, which render stores."""
    return f"page-versions/{site}/current.json"


def version_counts_key(site: str) -> str:
    """Return the key of the counts of pages by page version."""
    return f"page-versions/{site}/counts.json"


def token_key(sha256: str) -> str:
    """Return the key of a token's rights, from the token's hash."""
    return f"tokens/{sha256}.json"


TOKENS_PREFIX = "tokens/"


AUDIT_PREFIX = "audit/"


def audit_prefix(day: date) -> str:
    """Return the prefix of the audit log's entries of one day (UTC); their keys sort by time."""
    return f"{AUDIT_PREFIX}{day:%Y/%m/%d}/"


def audit_key(at: datetime, subject: str) -> str:
    """Return the key of an entry of the audit log; the object is immutable. `subject`: the changed object."""
    at = at.astimezone(UTC)
    return f"{audit_prefix(at.date())}{at:%Y%m%dT%H%M%S%fZ}~{subject}.json"


WEBHOOKS_PREFIX = "webhooks/"


def webhook_key(subscriber: str) -> str:
    """Return the key of a subscriber of webhooks."""
    return f"{WEBHOOKS_PREFIX}{subscriber}.json"


def subscriber_of(key: str) -> str:
    """Return the subscriber in a key of `WEBHOOKS_PREFIX`."""
    return key.removeprefix(WEBHOOKS_PREFIX).removesuffix(".json")


def relay_checkpoint_key(receiver: str) -> str:
    """Return the key of the position that a receiver of status events has reached."""
    return f"checkpoints/relay/{receiver}.json"


def feed_poll_key(site: str, feed: str) -> str:
    """Return the key of the state of a feed's polls."""
    return f"checkpoints/relay/polls/{site}/{feed}.json"


def feed_poll_request_key(site: str, feed: str) -> str:
    """Return the key of an operator's request to poll a feed now."""
    return f"checkpoints/relay/poll-requests/{site}/{feed}.json"


def hub_subscription_key(subscription: str) -> str:
    """Return the key of a feed's subscription at a WebSub hub."""
    return f"hub-subscriptions/{subscription}.json"


def watched_files_key(site: str, feed: str) -> str:
    """Return the key of the files that the relay has taken from a feed's watched prefix."""
    return f"checkpoints/relay/watched/{site}/{feed}.json"


WEBHOOK_DEAD_LETTERS_PREFIX = "webhook-dead-letters/"


def webhook_dead_letters_prefix(subscriber: str) -> str:
    """Return the prefix of a subscriber's dead letters; their keys sort by time."""
    return f"{WEBHOOK_DEAD_LETTERS_PREFIX}{subscriber}/"


def webhook_dead_letter_key(subscriber: str, letter: str) -> str:
    """Return the key of a subscriber's dead letter."""
    return f"{webhook_dead_letters_prefix(subscriber)}{letter}.json"


def webhook_dead_letter_of(key: str) -> str:
    """Return the id of the dead letter in a key of `webhook_dead_letters_prefix`."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")


def feed_secrets_key(site: str, feed: str) -> str:
    """Return the key of the secrets with which a feed's sender signs its requests."""
    return f"feed-secrets/{site}/{feed}.json"


def sent_asset_key(site: str, feed: str, name_sha256: str) -> str:
    """Return the key of a sent asset's record: a file that a sender uploaded under its own name, given as SHA-256."""
    return f"sent-assets/{site}/{feed}/{name_sha256}.json"


CONFORMANCE_PREFIX = "conformance/"


def conformance_key(bucket: str) -> str:
    """Return the key of a bucket's conformance result; the results of all buckets lie in the content bucket."""
    return f"conformance/{bucket}.json"


# --- either bucket ----------------------------------------------------------------------------------------------

PROBES_PREFIX = ".probe/"
"""Prefix of the objects of conformance probes, which delete them; a killed process may leave some."""


def probe_prefix(probe: str) -> str:
    """Return the prefix of one probe's objects."""
    return f"{PROBES_PREFIX}{probe}/"


# --- the public bucket ------------------------------------------------------------------------------------------

INDEX_DOCUMENT = "index.html"


def url_path(path: str) -> str:
    """Return the URL path of a key of the public bucket: percent-encoded, so only ASCII.

    Pages, feeds, sitemaps, `Location`, cache tags and purges all use this form (RFC 3986, with upper-case digits).
    """
    return quote("/" + path.removesuffix(INDEX_DOCUMENT))


def is_picture(path: str) -> bool:
    """Tell whether a path belongs to a picture."""
    return path.startswith("media/")


def is_asset(path: str) -> bool:
    """Tell whether a path belongs to a theme file."""
    return path.startswith("assets/")


def source_of(site: str, path: str) -> str | None:
    """Return the content bucket's key of a public file's source; None for the path of a page."""
    folder, _, name = path.partition("/")
    if is_asset(path):
        return asset_key(site, name)
    return public_media_key(site, name.partition("/")[0]) if folder == "media" else None


def media_path(digest: str, width: int, extension: str) -> str:
    """Return the public path of a picture in one width (pixels)."""
    return f"media/{digest}/{width}.{extension}"


def asset_path(name: str) -> str:
    """Return the public path of a theme file."""
    return f"assets/{name}"


def path_surrogate_key(path: str) -> str:
    """Return the cache tag of every response for a path, even of a 404.

    At an edge of several sites, the tag stands for this path of the site whose host name the purge has.
    """
    return f"path:{url_path(path)}"


def article_surrogate_key(article: str) -> str:
    """Return the cache tag of all pages with an article's text; an article id belongs to one site."""
    return f"article:{article}"


def listing_surrogate_key(site: str, listing: str) -> str:
    """Return the cache tag of a site's listing; other sites have listings of the same name."""
    return f"listing:{site}:{quote(listing)}"
