"""One comparison of the public bucket with the content bucket, in steps; the caller controls the pace."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice

from shared.model.live_record import LiveRecord, read_records
from shared.reconcile import Drift, DriftKind, ReconcileDeps
from shared.reconcile.inspection import inspect_article, inspect_path, listings_of
from shared.reconcile.scratch_db import NoRoomError, ScratchDb
from shared.site import keys
from shared.site.listings import listing_at
from shared.site.sites import Site, nested_prefixes

_BATCH_SIZE = 50  # suspects or articles between two chances to stop
_KEYS_PER_LIST = 1000  # of one call of the store


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage (`share`: from 0 to 1, if known), and the number of store calls of this step."""

    stage: str
    done: int
    calls: int
    share: float | None = None


class Reconciliation:
    """Compares one site. Take all `steps`, then read the drift from `found`; call `close` in the end."""

    def __init__(self, site: Site, deps: ReconcileDeps, *, wait: Callable[[], object], readers: int = 1) -> None:
        """Take the wait between the two inspections of a candidate, and the number of threads that read in parallel."""
        self._site, self._deps = site, deps
        self._wait = wait
        self._readers = readers
        self._scratch_db = ScratchDb()

    def close(self) -> None:
        """Delete the temporary file."""
        self._scratch_db.close()

    def found(self) -> Iterator[Drift]:
        """Yield the confirmed drift, by kind and path."""
        yield from self._scratch_db.confirmed()

    def counts(self) -> Counter[DriftKind]:
        """Return the number of differences of each kind."""
        return Counter(drift.kind for drift in self.found())

    def drift(self) -> int:
        """Return the number of differences, without foreign objects."""
        return sum(number for kind, number in self.counts().items() if kind is not DriftKind.FOREIGN)

    def count_public(self) -> int:
        """Return the number of objects in the public bucket."""
        return self._scratch_db.count_public()

    def steps(self) -> Iterator[Progress]:
        """Compare, step by step; the caller may stop after any step.

        Raises:
            NoRoomError: the disk is full.
        """
        try:
            yield from self._steps()
        except sqlite3.Error as error:
            raise NoRoomError(str(error)) from error

    def _steps(self) -> Iterator[Progress]:
        with ThreadPoolExecutor(self._readers) as readers:
            yield from self._note_files()
            yield from self._note_articles(readers)
            yield from self._note_public()
            self._scratch_db.suspect_differences()
            self._scratch_db.suspect_paths(listing.path for listing in listings_of(self._site, self._deps))
            yield from self._inspect(1, self._scratch_db.suspects(), readers)
            if not any(self._scratch_db.candidates()):
                return
            self._wait()
            yield from self._inspect(2, self._scratch_db.candidates(), readers)

    def _note_files(self) -> Iterator[Progress]:
        """Store the ETags of all pictures and theme files; expect every theme file to be public."""
        content, site = self._deps.content, self._site.id
        assets = content.list_heads(keys.assets_prefix(site))
        while batch := list(islice(assets, _KEYS_PER_LIST)):
            self._scratch_db.expect((keys.asset_path(each.key.rpartition("/")[2]), each.etag, "") for each in batch)
            yield Progress("files", len(batch), 1)
        media = content.list_heads(keys.media_prefix(site))
        while batch := list(islice(media, _KEYS_PER_LIST)):
            self._scratch_db.note_sources(each for each in batch if each.key.endswith(f"/{keys.PUBLIC}"))
            yield Progress("files", len(batch), 1)

    def _note_articles(self, readers: Executor) -> Iterator[Progress]:
        prefix = keys.articles_prefix(self._site.id)
        folders = groupby(
            self._deps.content.list_keys(prefix), key=lambda key: key.removeprefix(prefix).partition("/")[0]
        )
        articles = ((article, [key.removeprefix(f"{prefix}{article}/") for key in found]) for article, found in folders)
        done = 0
        while batch := dict(islice(articles, _BATCH_SIZE)):
            live = [article for article, names in batch.items() if keys.LIVE in names]
            found = read_records(self._deps.content, self._site.id, live, readers)
            records = {record.article: record for record in found}
            self._expect(records)
            is_complete = self._deps.index.complete_until(self._site) is not None
            known = self._deps.index.revisions(self._site, live) if is_complete else {}
            self._scratch_db.suspect(
                article
                for article, names in batch.items()
                if _is_suspect(names, records.get(article), known.get(article, "") if is_complete else None)
            )
            done += len(batch)
            yield Progress("articles", done, len(live) + 1, keys.article_share(max(batch)))

    def _expect(self, records: dict[str, LiveRecord]) -> None:
        for article, record in records.items():
            self._scratch_db.expect((path, page.etag, article) for path, page in record.pages.items())
            self._scratch_db.note_claims((path, article) for path in record.claimed)
            pictures = record.media if record.revision is not None else ()
            self._scratch_db.expect_copies(
                (path, keys.source_of(self._site.id, path) or "", article) for path in pictures
            )

    def _note_public(self) -> Iterator[Progress]:
        sites = self._deps.sites.values()
        foreign_prefixes = nested_prefixes(self._site, sites)
        found = self._deps.public.list_heads("")
        public, done = (each for each in found if not each.key.startswith(foreign_prefixes)), 0
        while batch := list(islice(public, _KEYS_PER_LIST)):
            self._scratch_db.note_public(batch)
            self._scratch_db.note_claims(
                (each.key, "") for each in batch if any(listing_at(site, each.key) for site in sites)
            )
            # No record has the ETag of a listing, so each listing is inspected.
            self._scratch_db.suspect_paths(each.key for each in batch if listing_at(self._site, each.key))
            done += len(batch)
            yield Progress("public", done, 1)

    def _inspect(self, number: int, suspects: Iterator[tuple[str, str]], readers: Executor) -> Iterator[Progress]:
        """Inspect suspects; drift is confirmed only if the second inspection finds it again."""
        done = 0
        while batch := list(islice(suspects, _BATCH_SIZE)):
            found = readers.map(self._inspect_one, batch)
            self._scratch_db.note_drift(number, (drift for drifts in found for drift in drifts))
            done += len(batch)
            calls = sum(5 if article else 1 for article, _ in batch)
            yield Progress("first inspection" if number == 1 else "second inspection", done, calls)

    def _inspect_one(self, suspect: tuple[str, str]) -> list[Drift]:
        article, path = suspect
        of_article = inspect_article(article, self._site, self._deps) if article else ()
        return [*of_article, *(inspect_path(path, self._site, self._deps) if path else ())]


def _is_suspect(names: list[str], record: LiveRecord | None, known: str | None) -> bool:
    """Tell from an article's keys, its record and its revision in the index whether it may have drift."""
    revisions = [keys.revision_of(name) for name in names if name.startswith("revisions/")]
    if record is None:
        return bool(revisions)  # never public: it may be scheduled, or lost
    effective = record.effective_revision
    is_latest = bool(revisions) and effective == revisions[-1] and record.revisions_seen >= len(revisions)
    is_killed = any(name.startswith(keys.TOMBSTONE) for name in names) and record.revision is not None
    return not is_latest or is_killed or (known is not None and known < effective)
