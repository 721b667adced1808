"""The sources of a site, stored so that an unmatched removal can name similar articles of other sources."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from itertools import islice

import structlog

from services.ingest.domain.accepted import NearMatch
from shared.model.article import Status
from shared.model.history import Revisions
from shared.model.revision import Revision
from shared.runtime.errors import OutageError
from shared.site import keys
from shared.storage import Etag, ObjectStorage

_MAX_CACHED_SOURCES = 10_000  # in the memory of a process
_MAX_SOURCES_TRIED = 500
_PARALLEL_LISTINGS = 8  # few, because news uses the same threads
_MAX_NEAR_MATCHES = 5


log = structlog.get_logger()


class Sources:
    """A site's sources: one empty object each, written when this process first sees the source."""

    def __init__(self, content: ObjectStorage, revisions: Revisions, executor: Executor) -> None:
        self._content = content
        self._revisions = revisions
        self._executor = executor
        self._stored_keys: dict[str, None] = {}

    def note(self, site: str, source: str) -> Future[Etag] | None:
        """Start to store the source of a site; None if this process has stored it before."""
        key = keys.source_key(site, source)
        if key is None or key in self._stored_keys:
            return None
        return self._executor.submit(self._put, key)

    def near_matches(self, removal: Revision) -> tuple[NearMatch, ...]:
        """Return at most five articles of the site with the removal's source id and another source.

        Costs one LIST for each of the site's first 500 sources, eight at a time; only for an unmatched removal.
        Returns nothing if the store does not answer, because the removal itself is stored.
        """
        try:
            return tuple(islice(self._near(removal), _MAX_NEAR_MATCHES))
        except OutageError as error:
            log.warning("near_matches.skipped", site=removal.article.site, reason=str(error))
            return ()

    def _near(self, removal: Revision) -> Iterator[NearMatch]:
        facts = removal.article
        entries = islice(self._content.list_keys(keys.sources_prefix(facts.site)), _MAX_SOURCES_TRIED)
        sources = [source for entry in entries if (source := keys.source_of_key(entry)) != facts.source]
        for start in range(0, len(sources), _PARALLEL_LISTINGS):
            part = sources[start : start + _PARALLEL_LISTINGS]
            articles = [keys.article_id(facts.site, source, facts.source_id) for source in part]
            found = self._executor.map(lambda article: self._revisions.names(facts.site, article), articles)
            for source, article, names in zip(part, articles, found, strict=True):
                revisions = (self._revisions.get(facts.site, article, name) for name in reversed(names))
                text = next((each for each in revisions if each.status is Status.USABLE), None)
                if text is not None:
                    yield NearMatch(article=article, source=source, headline=text.article.headline)

    def _put(self, key: str) -> Etag:
        etag = self._content.put(key, b"", content_type="text/plain")
        if len(self._stored_keys) < _MAX_CACHED_SOURCES:
            self._stored_keys[key] = None
        return etag
