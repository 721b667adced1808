"""A rebuild, run from outside the workers: it emits batches of the selected articles, few of them at a time.

The checkpoint is the first article that nobody has reported; what is lost is emitted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import structlog

from services.desk.domain.rebuild import Run
from services.desk.handler.selection import Selected
from shared.index import Index
from shared.messaging.messages import (
    MAX_BATCH_ITEMS,
    ArticleRevision,
    ArticlesAccepted,
    ArticlesEnriched,
    Message,
    first_envelope,
)
from shared.model.lane import Lane
from shared.runtime.errors import PresslineError
from shared.runtime.rebuild_runs import RunCounts, RunOutcome, Runs
from shared.site import keys
from shared.site.listings import Listing, find_article, find_listing
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_MAX_BATCHES = 16  # on their way: enough for a dozen workers, and few to wait for when it is paused
_MAX_SILENCE = timedelta(seconds=60)  # a killed worker's message comes back after 35 s
_MAX_TRIES = 3
_SAVE_INTERVAL = timedelta(seconds=2)


class RunEndedError(PresslineError):
    """A newer rebuild of the site has begun, which ends this one."""


@dataclass(slots=True)
class _Batch:
    items: list[Selected]
    sent_at: datetime
    tries: int = 1
    outcomes: dict[str, RunOutcome] = field(default_factory=dict)

    @property
    def unreported(self) -> list[Selected]:
        return [each for each in self.items if each.article not in self.outcomes]


@dataclass(slots=True)
class Rebuild:
    """A run under way: `go_on` does one round of it. Nothing of it is known only here for longer than two seconds."""

    run: Run
    content: ObjectStorage
    runs: Runs
    emit: Callable[[Iterable[Message]], None]
    waiting: Callable[[], int]  # messages in the lane: what waits there is not lost
    clock: Callable[[], datetime]
    selected: Iterator[Selected]  # the articles behind the run's cursor, in order
    on_their_way: list[_Batch] = field(default_factory=list)  # in order; the done ones wait for those before them
    _saved_at: datetime | None = None

    @property
    def counts(self) -> RunCounts:
        """Return the outcomes so far, those too that wait for a batch before them."""
        return self.run.counts.plus(each for batch in self.on_their_way for each in batch.outcomes.values())

    def begin(self) -> None:
        """Make the run its site's latest, which ends any other; save it, before anybody is told how to resume it."""
        if self.run.preview is None:
            self.runs.begin(self.run.site, self.run.run)
        self.save(now=True)

    def go_on(self) -> bool:
        """Collect reports, emit again what is lost and then what fits of the rest; tell whether there is any left.

        Raises:
            RunEndedError: a newer run of the site has begun.
        """
        run = self.run
        if run.preview is None and not self.runs.keep(run.site, run.run):
            raise RunEndedError("a newer rebuild of the site has begun and ends this one")
        self._collect_reports()
        self._emit_lost()
        room = _MAX_BATCHES - len(self.on_their_way)
        while room > 0 and (items := list(islice(self.selected, MAX_BATCH_ITEMS))):
            self.on_their_way.append(_Batch(items, self.clock()))
            self.emit(self._messages(items))
            room -= 1
        is_done = not self.on_their_way
        self.save(is_done=is_done)
        return not is_done

    def save(self, *, is_done: bool = False, now: bool = False) -> None:
        """Write down how far it has come; every now and then, or at once."""
        at = self.clock()
        if not (is_done or now) and self._saved_at is not None and at - self._saved_at < _SAVE_INTERVAL:
            return
        self._saved_at = at
        self.run = self.run.model_copy(update={"is_done": is_done})
        self.content.put(keys.rebuild_key(self.run.site, self.run.run), self.run.model_dump_json(indent=1).encode())

    def _collect_reports(self) -> None:
        unreported = [each.article for batch in self.on_their_way for each in batch.unreported]
        reported = self.runs.reported(self.run.site, self.run.run, unreported)
        for batch in self.on_their_way:
            batch.outcomes |= {each.article: reported[each.article] for each in batch.items if each.article in reported}
        while self.on_their_way and not self.on_their_way[0].unreported:
            batch = self.on_their_way.pop(0)
            counts = self.run.counts.plus(batch.outcomes.values())
            self.run = self.run.model_copy(update={"cursor": batch.items[-1].article, "counts": counts})

    def _emit_lost(self) -> None:
        now = self.clock()
        silent = [each for each in self.on_their_way if each.unreported and now - each.sent_at > _MAX_SILENCE]
        if not silent or self.waiting():
            return
        for batch in silent:
            if batch.tries == _MAX_TRIES:
                lost = [each.article for each in batch.unreported]
                log.error("rebuild.lost", run=self.run.run, articles=lost)
                batch.outcomes |= dict.fromkeys(lost, RunOutcome.FAILED)
            else:
                batch.tries, batch.sent_at = batch.tries + 1, now
                self.emit(self._messages(batch.unreported))

    def _messages(self, items: Iterable[Selected]) -> Iterator[Message]:
        """Yield the messages of a batch.

        Removed articles go by way of enrich, which has their 410 pages put again; so do all where texts are enriched
        anew.
        """
        by_kind: dict[type[ArticlesEnriched | ArticlesAccepted], list[Selected]] = {}
        for each in items:
            kind = ArticlesAccepted if each.is_removed or self.run.is_enriched_anew else ArticlesEnriched
            by_kind.setdefault(kind, []).append(each)
        for kind, some in by_kind.items():
            preview = {"preview": self.run.preview} if kind is ArticlesEnriched else {}
            yield kind(
                **first_envelope(Lane.BULK),
                site=self.run.site,
                run=self.run.run,
                articles=tuple(ArticleRevision(article=each.article, revision="") for each in some),
                **preview,
            )


def find_run(content: ObjectStorage, site: str, run: str) -> Run:
    """Return a run as it was saved last.

    Raises:
        ObjectMissingError: there is none of that name.
    """
    return Run.model_validate_json(content.get(keys.rebuild_key(site, run)).body)


def clear_preview(content: ObjectStorage, preview: str) -> None:
    """Remove what a preview has put into the content bucket."""
    for key in list(content.list_keys(preview)):
        content.delete(key)


def mark_listings_stale(index: Index, site: Site, run: Run) -> int:
    """Have every listing rendered again that the run means and that was ever published; return how many."""
    names = [name for name in index.published_versions(site) if find_article(name) is None]
    meant = [name for name in names if (listing := find_listing(site, name)) and _is_meant(listing, run)]
    for name in meant:
        index.mark_stale(site, name)
    return len(meant)


def _is_meant(listing: Listing, run: Run) -> bool:
    is_of_section = run.section is None or listing.section == run.section
    day = listing.value if listing.value[:2].isdigit() else ""
    is_late_enough = run.since is None or not day or day >= f"{run.since:%Y-%m-%d}"[: len(day)]
    return is_of_section and is_late_enough
