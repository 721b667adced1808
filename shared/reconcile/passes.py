"""One comparison of the public bucket with what it should hold, in steps that its caller paces."""

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
from shared.site.sites import Site, others_behind

_BATCH = 50  # what is under way when a scheduler is told to stop
_PAGE = 1000  # what one call of the store lists


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage of a comparison has come (`share` of 1, where known), and what this step cost the store."""

    stage: str
    done: int
    calls: int
    share: float | None = None


class Reconciliation:
    """Compares one site. Take all `steps`, then ask what was `found`; close it in the end."""

    def __init__(self, site: Site, deps: ReconcileDeps, *, wait: Callable[[], object], readers: int = 1) -> None:
        """Take who waits, between the two looks at what seems wrong, and how many threads read side by side."""
        self._site, self._deps = site, deps
        self._wait = wait
        self._readers = readers
        self._scratch_db = ScratchDb()

    def close(self) -> None:
        """Give back the room on the disk."""
        self._scratch_db.close()

    def found(self) -> Iterator[Drift]:
        """Yield what is not as it should be, by kind and path."""
        yield from self._scratch_db.confirmed()

    def counts(self) -> Counter[DriftKind]:
        """Return how many of each kind were found."""
        return Counter(drift.kind for drift in self.found())

    def drift(self) -> int:
        """Return how many differences there are: the one number. What others put into the bucket is none of ours."""
        return sum(number for kind, number in self.counts().items() if kind is not DriftKind.FOREIGN)

    def count_public(self) -> int:
        """Return how many objects the public bucket holds."""
        return self._scratch_db.count_public()

    def steps(self) -> Iterator[Progress]:
        """Compare, step by step; who stops taking steps stops the comparison.

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
            yield from self._look(1, self._scratch_db.suspects(), readers)
            if not any(self._scratch_db.candidates()):
                return
            self._wait()
            yield from self._look(2, self._scratch_db.candidates(), readers)

    def _note_files(self) -> Iterator[Progress]:
        """Note what pictures and theme files are copied from, and that every theme file should be public."""
        content, site = self._deps.content, self._site.id
        assets = content.list_heads(keys.assets_prefix(site))
        while batch := list(islice(assets, _PAGE)):
            self._scratch_db.expect((keys.asset_path(each.key.rpartition("/")[2]), each.etag, "") for each in batch)
            yield Progress("files", len(batch), 1)
        media = content.list_heads(keys.media_prefix(site))
        while batch := list(islice(media, _PAGE)):
            self._scratch_db.note_sources(each for each in batch if each.key.endswith(f"/{keys.PUBLIC}"))
            yield Progress("files", len(batch), 1)

    def _note_articles(self, readers: Executor) -> Iterator[Progress]:
        prefix = keys.articles_prefix(self._site.id)
        folders = groupby(
            self._deps.content.list_keys(prefix), key=lambda key: key.removeprefix(prefix).partition("/")[0]
        )
        articles = ((article, [key.removeprefix(f"{prefix}{article}/") for key in found]) for article, found in folders)
        done = 0
        while batch := dict(islice(articles, _BATCH)):
            live = [article for article, names in batch.items() if keys.LIVE in names]
            found = read_records(self._deps.content, self._site.id, live, readers)
            records = {record.article: record for record in found}
            self._expect(records)
            is_whole = self._deps.index.complete_until(self._site) is not None
            known = self._deps.index.revisions(self._site, live) if is_whole else {}
            self._scratch_db.suspect(
                article
                for article, names in batch.items()
                if _is_suspect(names, records.get(article), known.get(article, "") if is_whole else None)
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
        others = others_behind(self._site, sites)
        found = self._deps.public.list_heads("")
        public, done = (each for each in found if not each.key.startswith(others)), 0
        while batch := list(islice(public, _PAGE)):
            self._scratch_db.note_public(batch)
            self._scratch_db.note_claims(
                (each.key, "") for each in batch if any(listing_at(site, each.key) for site in sites)
            )
            # No record tells the ETag that a listing should have: each is read, as each article's record was.
            self._scratch_db.suspect_paths(each.key for each in batch if listing_at(self._site, each.key))
            done += len(batch)
            yield Progress("public", done, 1)

    def _look(self, look: int, suspects: Iterator[tuple[str, str]], readers: Executor) -> Iterator[Progress]:
        """Look closely at suspects and at all listings; what only seems to be wrong is right at the second look."""
        done = 0
        while batch := list(islice(suspects, _BATCH)):
            found = readers.map(self._look_at, batch)
            self._scratch_db.note_drift(look, (drift for drifts in found for drift in drifts))
            done += len(batch)
            calls = sum(5 if article else 1 for article, _ in batch)
            yield Progress("close look" if look == 1 else "second look", done, calls)

    def _look_at(self, suspect: tuple[str, str]) -> list[Drift]:
        article, path = suspect
        look = inspect_article(article, self._site, self._deps) if article else ()
        return [*look, *(inspect_path(path, self._site, self._deps) if path else ())]


def _is_suspect(names: list[str], record: LiveRecord | None, known: str | None) -> bool:
    """Tell from an article's keys, its record and what the index knows whether it may be behind."""
    revisions = [keys.revision_of(name) for name in names if name.startswith("revisions/")]
    if record is None:
        return bool(revisions)  # nothing of it was ever public: it may be waiting, or forgotten
    settled = record.effective_revision
    is_latest = bool(revisions) and settled == revisions[-1] and record.revisions_seen >= len(revisions)
    is_killed = any(name.startswith(keys.TOMBSTONE) for name in names) and record.revision is not None
    return not is_latest or is_killed or (known is not None and known < settled)
