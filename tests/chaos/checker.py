"""Waits until the site is as expected or the time is over, then checks the whole site once more."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from infra.local.state import StackFile
from tests.chaos.fetchers import bucket_fetcher, keys_in
from tests.chaos.newsroom import Edition
from tests.chaos.oracle import (
    Defect,
    DefectKind,
    Expectation,
    Fetch,
    SiteRules,
    article_defects,
    expectation_of,
    front_defects,
    picture_defects,
    revision_id,
)
from tests.chaos.senders import PostLog, Watcher, is_final

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_ARTICLE_PAGE = re.compile(r"^[a-z0-9-]+/\d{4}/\d{2}/\d{2}/[^/]+/index\.html$")
_THREAD_COUNT = 4
_POLL_INTERVAL_SECONDS = 0.5
_EXTRA_WAIT_SECONDS = 120.0

ShowProgress = Callable[[str, float], None]
"""Takes the progress of a run: a description, and the share of acknowledged posts."""


@dataclass(slots=True)
class Checker:
    """Compares the stack with the log of posts."""

    stack: StackFile
    store: S3Client
    edge: Fetch
    rules: SiteRules
    edition: Edition
    post_log: PostLog
    watcher: Watcher
    pictures: dict[str, str]  # digest -> public path
    lost: list[Defect] = field(default_factory=list)  # acknowledged articles that are not stored
    converged_at: float | None = None  # monotonic: when the whole site was as expected

    def expectation(self, story: int, article: str) -> Expectation:
        """Return the expected state of an article by its acknowledged posts."""
        posts = self.post_log.acknowledged(story)
        return expectation_of(article, posts, self.rules, is_killed=article in self.post_log.kills)

    def is_as_expected(self, expectation: Expectation) -> bool:
        """Return whether readers see an article as expected."""
        known = self.watcher.observed.addresses.get(expectation.article, set())
        return not any(article_defects(expectation, known, self.edge, "edge"))

    def wait_and_check(self, deadline: float, show_progress: ShowProgress) -> list[Defect]:
        """Return the defects once the site is as expected, or 120 s after the deadline (monotonic).

        The extra time distinguishes late articles from lost ones in the report.
        """
        self._name_articles()
        expectations = [self.expectation(story, article) for story, article in sorted(self.post_log.articles.items())]
        waiting: Sequence[Expectation] = expectations
        late: list[Defect] = []
        while not self.converged_at and time.monotonic() < deadline + _EXTRA_WAIT_SECONDS:
            with ThreadPoolExecutor(_THREAD_COUNT) as pool:
                now_expected = list(pool.map(self._has_converged, waiting))
            waiting = [
                expectation
                for expectation, is_as_expected in zip(waiting, now_expected, strict=True)
                if not is_as_expected
            ]
            fronts = [] if waiting else list(self._front_defects(expectations))
            show_progress(
                f"{len(waiting)} articles and {len(fronts)} places of the fronts are not as expected yet", 1.0
            )
            if not waiting and not fronts:
                self.converged_at = time.monotonic()
            elif not late and time.monotonic() > deadline:
                late = [
                    Defect(DefectKind.LATE, expectation.url, "as expected", "not yet", "edge", expectation.article)
                    for expectation in waiting
                ]
                late += [replace(defect, kind=DefectKind.LATE) for defect in fronts]
            time.sleep(_POLL_INTERVAL_SECONDS)
        # The receipt of a repeated post may wait for the sweep long after the page is public.
        while time.monotonic() < deadline and (open_ones := self._unfinished_receipts(expectations)):
            show_progress(f"{len(open_ones)} receipts are not yet final", 1.0)
            time.sleep(_POLL_INTERVAL_SECONDS)
        defects = self.find_defects(expectations)
        still = {(each.article, each.where) for each in defects}
        return [*defects, *(each for each in late if (each.article, each.where) not in still)]

    def find_defects(self, expectations: Sequence[Expectation]) -> list[Defect]:
        """Return the current defects, in the bucket and at the edge."""
        bucket = bucket_fetcher(self.store, self.stack.s3.public_bucket)
        for expectation in expectations:
            self.watcher.collect(expectation.article)

        def at(expectation: Expectation) -> list[Defect]:
            known = self.watcher.observed.addresses.get(expectation.article, set())
            return [
                defect
                for fetch, where in ((self.edge, "edge"), (bucket, "bucket"))
                for defect in article_defects(expectation, known, fetch, where)
            ]

        with ThreadPoolExecutor(_THREAD_COUNT) as pool:
            defects = list(chain.from_iterable(pool.map(at, expectations)))
        defects += self._front_defects(expectations)
        for fetch, where in ((self.edge, "edge"), (bucket, "bucket")):
            defects += picture_defects(expectations, self._shown_ever(), self.pictures, fetch, where)
        return [
            *defects,
            *self._unexpected_pages(expectations, bucket),
            *self._unfinished_receipts(expectations),
            *self._other_defects(),
        ]

    def _has_converged(self, expectation: Expectation) -> bool:
        self.watcher.collect(expectation.article)
        known = self.watcher.observed.addresses.get(expectation.article, set())
        bucket = bucket_fetcher(self.store, self.stack.s3.public_bucket)
        has_converged = self.is_as_expected(expectation) and not any(
            article_defects(expectation, known, bucket, "bucket")
        )
        if has_converged:
            self.watcher.observed.expected_since.setdefault(expectation.newest.story, time.monotonic())
        return has_converged

    def _front_defects(self, expectations: Sequence[Expectation]) -> Iterator[Defect]:
        yield from front_defects(expectations, self.rules, self.edge, "edge")
        bucket = bucket_fetcher(self.store, self.stack.s3.public_bucket)
        yield from front_defects(expectations, self.rules, bucket, "bucket")

    def _unfinished_receipts(self, expectations: Sequence[Expectation]) -> list[Defect]:
        """Return receipts that are not final, and receipts of newest revisions with a wrong status."""
        states = {expectation.article: expectation for expectation in expectations}
        newest = {(expectation.newest.story, expectation.newest.number): expectation for expectation in expectations}
        receipts = {ack.receipt: newest.get((ack.post.story, ack.post.number)) for ack in self.post_log.acks}

        def check(receipt: str) -> Iterator[Defect]:
            found, expectation = self.watcher.receipt(receipt), receipts[receipt]
            status = found["status"] if found else "unknown"
            wanted = (
                {expectation.state, "duplicate"}
                if expectation and expectation.article not in self.post_log.kills
                else None
            )
            if not is_final(status) or status == "failed" or (wanted and status not in wanted):
                article = self._article_of(receipt)
                expected = states[article].state if wanted and article in states else "final"
                kind = DefectKind.UNFINISHED if found else DefectKind.FORGOTTEN
                yield Defect(kind, receipt, expected, status, "api", article)

        return _in_parallel(check, receipts)

    def _article_of(self, receipt: str) -> str | None:
        story = next(ack.post.story for ack in self.post_log.acks if ack.receipt == receipt)
        return self.post_log.articles.get(story)

    def _unexpected_pages(self, expectations: Sequence[Expectation], bucket: Fetch) -> list[Defect]:
        """Return each public article page at an unexpected address."""
        expected = {expectation.url for expectation in expectations if expectation.is_live}

        def check(key: str) -> Iterator[Defect]:
            url = "/" + key.removesuffix("index.html")
            if bucket(url).status == 200:
                yield Defect(DefectKind.STALE, url, "no page", "200", "bucket")

        pages = filter(_ARTICLE_PAGE.match, keys_in(self.store, self.stack.s3.public_bucket))
        return _in_parallel(check, (key for key in pages if "/" + key.removesuffix("index.html") not in expected))

    def _other_defects(self) -> Iterator[Defect]:
        """Yield the defects that need no page: dead letters, refusals, early texts, missing answers."""
        for key in keys_in(self.store, self.stack.s3.content_bucket, "dead-letters/"):
            yield Defect(DefectKind.DEAD_LETTER, key, "none", "a dead letter", "bucket")
        for post, reason in self.post_log.refused:
            article = self.post_log.articles.get(post.story)
            yield Defect(DefectKind.REFUSED, f"{post.source_id} revision {post.number}", "202", reason, "api", article)
        for article, mark in dict.fromkeys(self.watcher.observed.early):
            yield Defect(DefectKind.EARLY, mark, "not public", "public", "edge", article)
        answered = Counter((ack.post.story, ack.post.number) for ack in self.post_log.acks)
        answered.update((post.story, post.number) for post, _ in self.post_log.refused)
        for (story, number), missing in (self.post_log.posted - answered).items():
            yield Defect(
                DefectKind.UNANSWERED, f"story-{story} revision {number}", "an answer", f"{missing} without", "api"
            )
        for ack in self.post_log.acks:
            if ack.revision not in (None, name := revision_id(ack.post.stamp)):
                yield Defect(DefectKind.STALE, ack.receipt, name, str(ack.revision), "api")
        yield from self.lost

    def _shown_ever(self) -> dict[str, set[str]]:
        shown: dict[str, set[str]] = {}
        for post in self.edition.posts:
            if post.picture and (article := self.post_log.articles.get(post.story)):
                shown.setdefault(post.picture, set()).add(article)
        return shown

    def _name_articles(self) -> None:
        """Find the ids of articles whose posts were all read later: from receipts, or by a repeated post.

        A repeated post of a stored article is a duplicate or superseded; any other answer means that it was lost.
        """
        for ack in list(self.post_log.acks):
            if ack.post.story in self.post_log.articles:
                continue
            found = self.watcher.receipt(ack.receipt)
            if not (found and found.get("article")):
                found = self.watcher.post_again(ack.post)
                if found["status"] not in {"duplicate", "superseded"}:
                    self.lost.append(
                        Defect(DefectKind.LOST, ack.receipt, "stored", found["status"], "api", found["article"])
                    )
            self.post_log.articles[ack.post.story] = found["article"]


def _in_parallel(check: Callable[[str], Iterable[Defect]], subjects: Iterable[str]) -> list[Defect]:
    with ThreadPoolExecutor(_THREAD_COUNT) as pool:
        return list(chain.from_iterable(pool.map(lambda each: list(check(each)), subjects)))
