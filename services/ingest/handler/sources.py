"""The sources that send to a site, noted so that an unmatched removal can name the articles that it may have meant."""

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

_MAX_NOTED_SOURCES = 10_000  # in the memory of a process
_MAX_SOURCES_TRIED = 500
_SIDE_BY_SIDE = 8  # listings: news shares the threads
_MAX_NEAR_MATCHES = 5


log = structlog.get_logger()


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

        Costs a listing for each of the site's first 500 sources, eight at a time. Only an unmatched removal asks. Where
        the store does not answer, nothing is returned: the removal itself is stored.
        """
        try:
            return tuple(islice(self._near(removal), _MAX_NEAR_MATCHES))
        except OutageError as error:
            log.warning("near_matches.unknown", site=removal.article.site, reason=str(error))
            return ()

    def _near(self, removal: Revision) -> Iterator[NearMatch]:
        facts = removal.article
        entries = islice(self._content.list_keys(keys.sources_prefix(facts.site)), _MAX_SOURCES_TRIED)
        sources = [source for entry in entries if (source := keys.source_of_key(entry)) != facts.source]
        for start in range(0, len(sources), _SIDE_BY_SIDE):
            some = sources[start : start + _SIDE_BY_SIDE]
            articles = [keys.article_id(facts.site, source, facts.source_id) for source in some]
            found = self._executor.map(lambda article: self._revisions.names(facts.site, article), articles)
            for source, article, names in zip(some, articles, found, strict=True):
                revisions = (self._revisions.get(facts.site, article, name) for name in reversed(names))
                text = next((each for each in revisions if each.status is Status.USABLE), None)
                if text is not None:
                    yield NearMatch(article=article, source=source, headline=text.article.headline)

    def _put(self, key: str) -> Etag:
        etag = self._content.put(key, b"", content_type="text/plain")
        if len(self._noted) < _MAX_NOTED_SOURCES:
            self._noted[key] = None
        return etag
