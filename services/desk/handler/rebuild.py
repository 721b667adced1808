"""A rebuild, controlled by the command line: emits batches of the selected articles, a few at a time.

The checkpoint is the first article that no worker has reported. Lost batches are emitted again.
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

_MAX_UNREPORTED_BATCHES = 16  # enough for a dozen workers, and a pause need not wait long
_MAX_SILENCE = timedelta(seconds=60)  # a killed worker's message is redelivered after 35 s
_MAX_ATTEMPTS = 3
_SAVE_INTERVAL = timedelta(seconds=2)


class RunEndedError(PresslineError):
    """A newer rebuild of the site has begun and ends this one."""


@dataclass(slots=True)
class _Batch:
    items: list[Selected]
    sent_at: datetime
    attempts: int = 1
    outcomes: dict[str, RunOutcome] = field(default_factory=dict)

    @property
    def unreported(self) -> list[Selected]:
        return [each for each in self.items if each.article not in self.outcomes]


@dataclass(slots=True)
class Rebuild:
    """A run in progress; `go_on` does one round. Its state is saved every two seconds."""

    run: Run
    content: ObjectStorage
    runs: Runs
    emit: Callable[[Iterable[Message]], None]
    waiting: Callable[[], int]  # messages in the lane; a queued message is not lost
    clock: Callable[[], datetime]
    selected: Iterator[Selected]  # the articles after the run's cursor, in order
    open_batches: list[_Batch] = field(default_factory=list)  # in order; a done batch waits for those before it
    _saved_at: datetime | None = None

    @property
    def counts(self) -> RunCounts:
        """Return the outcomes so far, those of open batches included."""
        return self.run.counts.plus(each for batch in self.open_batches for each in batch.outcomes.values())

    def begin(self) -> None:
        """Make the run its site's latest, which ends any other run; save it, so that it can be resumed."""
        if self.run.preview is None:
            self.runs.begin(self.run.site, self.run.run)
        self.save(now=True)

    def go_on(self) -> bool:
        """Collect reports, emit lost batches again, then emit new ones; return whether the run is unfinished.

        Raises:
            RunEndedError: a newer run of the site has begun.
        """
        run = self.run
        if run.preview is None and not self.runs.ensure_latest(run.site, run.run):
            raise RunEndedError("a newer rebuild of the site has begun and ends this one")
        self._collect_reports()
        self._emit_lost()
        free_slots = _MAX_UNREPORTED_BATCHES - len(self.open_batches)
        while free_slots > 0 and (items := list(islice(self.selected, MAX_BATCH_ITEMS))):
            self.open_batches.append(_Batch(items, self.clock()))
            self.emit(self._messages(items))
            free_slots -= 1
        is_done = not self.open_batches
        self.save(is_done=is_done)
        return not is_done

    def save(self, *, is_done: bool = False, now: bool = False) -> None:
        """Store the run, at most every two seconds unless `is_done` or `now`."""
        at = self.clock()
        if not (is_done or now) and self._saved_at is not None and at - self._saved_at < _SAVE_INTERVAL:
            return
        self._saved_at = at
        self.run = self.run.model_copy(update={"is_done": is_done})
        self.content.put(keys.rebuild_key(self.run.site, self.run.run), self.run.model_dump_json(indent=1).encode())

    def _collect_reports(self) -> None:
        unreported = [each.article for batch in self.open_batches for each in batch.unreported]
        reported = self.runs.reported(self.run.site, self.run.run, unreported)
        for batch in self.open_batches:
            batch.outcomes |= {each.article: reported[each.article] for each in batch.items if each.article in reported}
        while self.open_batches and not self.open_batches[0].unreported:
            batch = self.open_batches.pop(0)
            counts = self.run.counts.plus(batch.outcomes.values())
            self.run = self.run.model_copy(update={"cursor": batch.items[-1].article, "counts": counts})

    def _emit_lost(self) -> None:
        now = self.clock()
        silent = [each for each in self.open_batches if each.unreported and now - each.sent_at > _MAX_SILENCE]
        if not silent or self.waiting():
            return
        for batch in silent:
            if batch.attempts == _MAX_ATTEMPTS:
                lost = [each.article for each in batch.unreported]
                log.error("articles.lost", run=self.run.run, articles=lost)
                batch.outcomes |= dict.fromkeys(lost, RunOutcome.FAILED)
            else:
                batch.attempts, batch.sent_at = batch.attempts + 1, now
                self.emit(self._messages(batch.unreported))

    def _messages(self, items: Iterable[Selected]) -> Iterator[Message]:
        """Yield the messages of a batch.

        Removed articles go through enrich, which has their 410 pages put again. With `is_enriched_anew` all do.
        """
        by_kind: dict[type[ArticlesEnriched | ArticlesAccepted], list[Selected]] = {}
        for each in items:
            kind = ArticlesAccepted if each.is_removed or self.run.is_enriched_anew else ArticlesEnriched
            by_kind.setdefault(kind, []).append(each)
        for kind, selected in by_kind.items():
            preview = {"preview": self.run.preview} if kind is ArticlesEnriched else {}
            yield kind(
                **first_envelope(Lane.BULK),
                site=self.run.site,
                run=self.run.run,
                articles=tuple(ArticleRevision(article=each.article, revision="") for each in selected),
                **preview,
            )


def find_run(content: ObjectStorage, site: str, run: str) -> Run:
    """Return a run as saved last.

    Raises:
        ObjectMissingError: there is no such run.
    """
    return Run.model_validate_json(content.get(keys.rebuild_key(site, run)).body)


def clear_preview(content: ObjectStorage, preview: str) -> None:
    """Delete the objects of a preview from the content bucket."""
    for key in list(content.list_keys(preview)):
        content.delete(key)


def mark_listings_stale(index: Index, site: Site, run: Run) -> int:
    """Mark the published listings of a run's selection stale; return their number."""
    names = [name for name in index.published_versions(site) if find_article(name) is None]
    selected_names = [name for name in names if (listing := find_listing(site, name)) and _is_selected(listing, run)]
    for name in selected_names:
        index.mark_stale(site, name)
    return len(selected_names)


def _is_selected(listing: Listing, run: Run) -> bool:
    is_of_section = run.section is None or listing.section == run.section
    day = listing.value if listing.value[:2].isdigit() else ""
    is_late_enough = run.since is None or not day or day >= f"{run.since:%Y-%m-%d}"[: len(day)]
    return is_of_section and is_late_enough
