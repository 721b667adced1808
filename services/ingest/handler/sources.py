"""The sources that send to a site, noted so that an unmatched removal can name the articles that it may have meant."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from itertools import islice

from services.ingest.domain.accepted import NearMatch
from shared import keys
from shared.history import Revisions
from shared.revision import Revision
from shared.storage import Etag, ObjectStorage

_MAX_REMEMBERED = 10_000
_MAX_SOURCES_TRIED = 500
_MAX_NEAR_MATCHES = 5


class Sources:
    """A site's sources: an empty object each, written when this process first meets the source."""

    def __init__(self, content: ObjectStorage, revisions: Revisions, executor: Executor) -> None:
        self._content = content
        self._revisions = revisions
        self._executor = executor
        self._noted: dict[str, None] = {}

    def note(self, site: str, source: str) -> Future[Etag] | None:
        """Begin to store that the source sends to the site; None where this process has stored that before."""
        key = keys.source_key(site, source)
        if key is None or key in self._noted:
            return None
        return self._executor.submit(self._put, key)

    def near_matches(self, removal: Revision) -> tuple[NearMatch, ...]:
        """Return articles of the site with the removal's source id and another source; five at most.

        Costs a listing for each of the site's first 500 sources. Only an unmatched removal asks.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        return tuple(islice(self._near(removal), _MAX_NEAR_MATCHES))

    def _near(self, removal: Revision) -> Iterator[NearMatch]:
        facts = removal.article
        entries = islice(self._content.list_keys(keys.sources_prefix(facts.site)), _MAX_SOURCES_TRIED)
        sources = [source for entry in entries if (source := keys.source_of_key(entry)) != facts.source]
        articles = [keys.article_id(facts.site, source, facts.source_id) for source in sources]
        found = self._executor.map(lambda article: self._revisions.names(facts.site, article), articles)
        for source, article, names in zip(sources, articles, found, strict=True):
            if names:
                latest = self._revisions.get(facts.site, article, names[-1]).article
                yield NearMatch(article=article, source=source, headline=latest.headline)

    def _put(self, key: str) -> Etag:
        etag = self._content.put(key, b"", content_type="text/plain")
        if len(self._noted) < _MAX_REMEMBERED:
            self._noted[key] = None
        return etag
