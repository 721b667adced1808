"""The expected and the actual public paths, by the million, in a temporary SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from shared.reconcile import Drift, DriftKind
from shared.runtime.errors import RetryableError
from shared.storage import ListedObject

_TABLES = """
CREATE TABLE expected (path TEXT PRIMARY KEY, etag TEXT, article TEXT) WITHOUT ROWID;
CREATE TABLE claimed (path TEXT, article TEXT, PRIMARY KEY (path, article)) WITHOUT ROWID;
CREATE TABLE source (key TEXT PRIMARY KEY, etag TEXT) WITHOUT ROWID;
CREATE TABLE public (path TEXT PRIMARY KEY, etag TEXT) WITHOUT ROWID;
CREATE TABLE suspect (article TEXT, path TEXT, PRIMARY KEY (article, path)) WITHOUT ROWID;
CREATE TABLE drift (inspection INTEGER, kind TEXT, path TEXT, reason TEXT, article TEXT,
                    PRIMARY KEY (inspection, kind, path, article)) WITHOUT ROWID;
"""
_DIFFERENCES = """
INSERT OR IGNORE INTO suspect
SELECT article, CASE article WHEN '' THEN path ELSE '' END FROM expected LEFT JOIN public USING (path)
WHERE public.path IS NULL OR (expected.etag <> '' AND expected.etag <> public.etag)
UNION SELECT '', path FROM public
WHERE path NOT IN (SELECT path FROM expected) AND path NOT IN (SELECT path FROM claimed)
UNION SELECT article, '' FROM claimed JOIN public USING (path)
WHERE article <> '' AND path NOT IN (SELECT path FROM expected)
"""
_CONFIRMED = """
SELECT second.kind, second.path, second.reason, second.article
FROM drift AS second JOIN drift AS first USING (kind, path, article)
WHERE second.inspection = 2 AND first.inspection = 1 ORDER BY second.kind, second.path, second.article
"""


class NoRoomError(RetryableError):
    """The temporary file in `TMPDIR` cannot be written; it needs 0.3 GB for a million objects."""


class ScratchDb:
    """Tables on disk, for one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a temporary file
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Delete the file."""
        self._db.close()

    def expect(self, pages: Iterable[tuple[str, str, str]]) -> None:
        """Add (path, ETag or empty, article or empty) of objects that should be public."""
        self._db.executemany("INSERT OR IGNORE INTO expected VALUES (?, ?, ?)", pages)

    def expect_copies(self, copies: Iterable[tuple[str, str, str]]) -> None:
        """Add (path, key of the source, article) of files that should be public with the bytes of their source."""
        self._db.executemany(
            "INSERT OR IGNORE INTO expected VALUES (?1, coalesce((SELECT etag FROM source WHERE key = ?2), ''), ?3)",
            copies,
        )

    def note_sources(self, objects: Iterable[ListedObject]) -> None:
        """Add the ETags of the sources of public files."""
        self._db.executemany("INSERT OR IGNORE INTO source VALUES (?, ?)", ((each.key, each.etag) for each in objects))

    def note_claims(self, claims: Iterable[tuple[str, str]]) -> None:
        """Add (path, article) of claimed paths."""
        self._db.executemany("INSERT OR IGNORE INTO claimed VALUES (?, ?)", claims)

    def note_public(self, objects: Iterable[ListedObject]) -> None:
        """Add objects of the public bucket."""
        self._db.executemany("INSERT OR IGNORE INTO public VALUES (?, ?)", ((each.key, each.etag) for each in objects))

    def suspect(self, articles: Iterable[str]) -> None:
        """Add articles to the suspects."""
        self._db.executemany("INSERT OR IGNORE INTO suspect VALUES (?, '')", ((each,) for each in articles))

    def suspect_paths(self, paths: Iterable[str]) -> None:
        """Add paths that belong to no article to the suspects."""
        self._db.executemany("INSERT OR IGNORE INTO suspect VALUES ('', ?)", ((each,) for each in paths))

    def suspect_differences(self) -> None:
        """Add all differences between the expected and the public objects to the suspects."""
        self._db.execute(_DIFFERENCES)

    def suspects(self) -> Iterator[tuple[str, str]]:
        """Yield (article, "") or ("", path) of each suspect."""
        yield from self._rows("SELECT article, path FROM suspect ORDER BY article, path")

    def note_drift(self, inspection: int, drifts: Iterable[Drift]) -> None:
        """Add the drift that an inspection (1 or 2) found."""
        rows = ((inspection, each.kind.value, each.path, each.reason, each.article) for each in drifts)
        self._db.executemany("INSERT OR IGNORE INTO drift VALUES (?, ?, ?, ?, ?)", rows)

    def candidates(self) -> Iterator[tuple[str, str]]:
        """Yield (article, "") or ("", path) of the drift of the first inspection."""
        query = "SELECT DISTINCT article, CASE article WHEN '' THEN path ELSE '' END FROM drift WHERE inspection = 1"
        yield from self._rows(query)

    def confirmed(self) -> Iterator[Drift]:
        """Yield the drift that both inspections found."""
        for kind, path, reason, article in self._rows(_CONFIRMED):
            yield Drift(DriftKind(kind), path, reason, article)

    def count_public(self) -> int:
        """Return the number of objects in the public bucket."""
        return int(self._db.execute("SELECT count(*) FROM public").fetchone()[0])

    def _rows(self, query: str) -> Iterator[Any]:
        with closing(self._db.cursor()) as cursor:
            yield from cursor.execute(query)
