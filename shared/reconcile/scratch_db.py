"""Paths by the million in a file that vanishes by itself: what should be public, what is, and what differs."""

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
CREATE TABLE drift (look INTEGER, kind TEXT, path TEXT, reason TEXT, article TEXT,
                    PRIMARY KEY (look, kind, path, article)) WITHOUT ROWID;
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
WHERE second.look = 2 AND first.look = 1 ORDER BY second.kind, second.path, second.article
"""


class NoRoomError(RetryableError):
    """The temporary file cannot be written: a third of a GB for a million objects, in `TMPDIR`."""


class ScratchDb:
    """Tables on disk, for one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a temporary file
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let the file vanish."""
        self._db.close()

    def expect(self, pages: Iterable[tuple[str, str, str]]) -> None:
        """Note (path, ETag or empty, article or empty) of what should be public."""
        self._db.executemany("INSERT OR IGNORE INTO expected VALUES (?, ?, ?)", pages)

    def expect_copies(self, copies: Iterable[tuple[str, str, str]]) -> None:
        """Note (path, key of the content bucket, article) of files that should be public with the bytes of that key."""
        self._db.executemany(
            "INSERT OR IGNORE INTO expected VALUES (?1, coalesce((SELECT etag FROM source WHERE key = ?2), ''), ?3)",
            copies,
        )

    def note_sources(self, objects: Iterable[ListedObject]) -> None:
        """Note the ETags of what copies are made from."""
        self._db.executemany("INSERT OR IGNORE INTO source VALUES (?, ?)", ((each.key, each.etag) for each in objects))

    def note_claims(self, claims: Iterable[tuple[str, str]]) -> None:
        """Note (path, article) of every path that an article has claimed."""
        self._db.executemany("INSERT OR IGNORE INTO claimed VALUES (?, ?)", claims)

    def note_public(self, objects: Iterable[ListedObject]) -> None:
        """Note what is public."""
        self._db.executemany("INSERT OR IGNORE INTO public VALUES (?, ?)", ((each.key, each.etag) for each in objects))

    def suspect(self, articles: Iterable[str]) -> None:
        """Note articles that have to be looked at closely."""
        self._db.executemany("INSERT OR IGNORE INTO suspect VALUES (?, '')", ((each,) for each in articles))

    def suspect_paths(self, paths: Iterable[str]) -> None:
        """Note paths of no article's that have to be looked at closely."""
        self._db.executemany("INSERT OR IGNORE INTO suspect VALUES ('', ?)", ((each,) for each in paths))

    def suspect_differences(self) -> None:
        """Note as suspect whatever differs between what should be public and what is."""
        self._db.execute(_DIFFERENCES)

    def suspects(self) -> Iterator[tuple[str, str]]:
        """Yield (article, "") or ("", path) of each suspect."""
        yield from self._rows("SELECT article, path FROM suspect ORDER BY article, path")

    def note_drift(self, look: int, drifts: Iterable[Drift]) -> None:
        """Note what a look (1 or 2) found."""
        rows = ((look, each.kind.value, each.path, each.reason, each.article) for each in drifts)
        self._db.executemany("INSERT OR IGNORE INTO drift VALUES (?, ?, ?, ?, ?)", rows)

    def candidates(self) -> Iterator[tuple[str, str]]:
        """Yield (article, "") or ("", path) of what the first look found, to be looked at again."""
        query = "SELECT DISTINCT article, CASE article WHEN '' THEN path ELSE '' END FROM drift WHERE look = 1"
        yield from self._rows(query)

    def confirmed(self) -> Iterator[Drift]:
        """Yield what both looks found."""
        for kind, path, reason, article in self._rows(_CONFIRMED):
            yield Drift(DriftKind(kind), path, reason, article)

    def count_public(self) -> int:
        """Return how many objects are public."""
        return int(self._db.execute("SELECT count(*) FROM public").fetchone()[0])

    def _rows(self, query: str) -> Iterator[Any]:
        with closing(self._db.cursor()) as cursor:
            yield from cursor.execute(query)
