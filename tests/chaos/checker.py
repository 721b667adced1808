"""The judgement: waits until all is right, or the time is over, and then looks at everything once more, strictly."""

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
from tests.chaos.looks import in_bucket, keys_in
from tests.chaos.newsroom import Edition
from tests.chaos.oracle import (
    Fault,
    House,
    Look,
    Right,
    Wrong,
    revision_name,
    right_state,
    wrong_with_article,
    wrong_with_fronts,
    wrong_with_pictures,
)
from tests.chaos.senders import ScratchDb, Watcher, is_final

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_ARTICLE_PAGE = re.compile(r"^[a-z0-9-]+/\d{4}/\d{2}/\d{2}/[^/]+/index\.html$")
_THREADS = 4
_POLL_SECONDS = 0.5
_LATE_SECONDS = 120.0

Tell = Callable[[str, float], None]
"""Takes where a run is, in words and as a share of what is to be posted."""


@dataclass(slots=True)
class Judge:
    """Compares the stack with the ledger."""

    stack: StackFile
    store: S3Client
    edge: Look
    house: House
    edition: Edition
    ledger: ScratchDb
    watcher: Watcher
    pictures: dict[str, str]  # digest -> where it is public
    lost: list[Wrong] = field(default_factory=list)  # what was promised and is not stored
    settled_at: float | None = None  # monotonic: when all was seen to be right

    def right(self, story: int, article: str) -> Right:
        """Return how an article has to be, by what was acknowledged of it so far."""
        posts = self.ledger.acknowledged(story)
        return right_state(article, posts, self.house, is_killed=article in self.ledger.kills)

    def is_right(self, right: Right) -> bool:
        """Tell whether readers see an article as it has to be."""
        known = self.watcher.seen.addresses.get(right.article, set())
        return not any(wrong_with_article(right, known, self.edge, "edge"))

    def settle(self, deadline: float, tell: Tell) -> list[Wrong]:
        """Return what is wrong once all is right, or a while after the deadline (monotonic).

        The while is for whoever reads the report: late is another fault than lost.
        """
        self._name_articles()
        rights = [self.right(story, article) for story, article in sorted(self.ledger.articles.items())]
        waiting: Sequence[Right] = rights
        late: list[Wrong] = []
        while not self.settled_at and time.monotonic() < deadline + _LATE_SECONDS:
            with ThreadPoolExecutor(_THREADS) as pool:
                now_right = list(pool.map(self._is_settled, waiting))
            waiting = [right for right, is_right in zip(waiting, now_right, strict=True) if not is_right]
            fronts = [] if waiting else list(self._wrong_fronts(rights))
            tell(f"{len(waiting)} articles and {len(fronts)} places of the fronts are not yet right", 1.0)
            if not waiting and not fronts:
                self.settled_at = time.monotonic()
            elif not late and time.monotonic() > deadline:
                late = [Wrong(Fault.LATE, right.url, "right", "not yet", "edge", right.article) for right in waiting]
                late += [replace(wrong, fault=Fault.LATE) for wrong in fronts]
            time.sleep(_POLL_SECONDS)
        # Of what was sent twice the second may wait for the sweep long after readers see all that it says.
        while time.monotonic() < deadline and (open_ones := self._unsettled(rights)):
            tell(f"{len(open_ones)} receipts are not yet final", 1.0)
            time.sleep(_POLL_SECONDS)
        wrong = self.judge(rights)
        still = {(each.article, each.where) for each in wrong}
        return [*wrong, *(each for each in late if (each.article, each.where) not in still)]

    def judge(self, rights: Sequence[Right]) -> list[Wrong]:
        """Return all that is wrong at this moment, in the bucket and at the edge."""
        bucket = in_bucket(self.store, self.stack.s3.public_bucket)
        for right in rights:
            self.watcher.collect(right.article)

        def at(right: Right) -> list[Wrong]:
            known = self.watcher.seen.addresses.get(right.article, set())
            return [
                wrong
                for look, where in ((self.edge, "edge"), (bucket, "bucket"))
                for wrong in wrong_with_article(right, known, look, where)
            ]

        with ThreadPoolExecutor(_THREADS) as pool:
            wrong = list(chain.from_iterable(pool.map(at, rights)))
        wrong += self._wrong_fronts(rights)
        for look, where in ((self.edge, "edge"), (bucket, "bucket")):
            wrong += wrong_with_pictures(rights, self._shown_ever(), self.pictures, look, where)
        return [*wrong, *self._strays(rights, bucket), *self._unsettled(rights), *self._other()]

    def _is_settled(self, right: Right) -> bool:
        self.watcher.collect(right.article)
        known = self.watcher.seen.addresses.get(right.article, set())
        bucket = in_bucket(self.store, self.stack.s3.public_bucket)
        is_settled = self.is_right(right) and not any(wrong_with_article(right, known, bucket, "bucket"))
        if is_settled:
            self.watcher.seen.right_at.setdefault(right.newest.story, time.monotonic())
        return is_settled

    def _wrong_fronts(self, rights: Sequence[Right]) -> Iterator[Wrong]:
        yield from wrong_with_fronts(rights, self.house, self.edge, "edge")
        bucket = in_bucket(self.store, self.stack.s3.public_bucket)
        yield from wrong_with_fronts(rights, self.house, bucket, "bucket")

    def _unsettled(self, rights: Sequence[Right]) -> list[Wrong]:
        """Return each receipt that does not say how it ended, or that says of the newest what is not so."""
        states = {right.article: right for right in rights}
        newest = {(right.newest.story, right.newest.number): right for right in rights}
        receipts = {ack.receipt: newest.get((ack.post.story, ack.post.number)) for ack in self.ledger.acks}

        def look(receipt: str) -> Iterator[Wrong]:
            found, right = self.watcher.receipt(receipt), receipts[receipt]
            status = found["status"] if found else "unknown"
            wanted = {right.state, "duplicate"} if right and right.article not in self.ledger.kills else None
            if not is_final(status) or status == "failed" or (wanted and status not in wanted):
                article = self._article_of(receipt)
                expected = states[article].state if wanted and article in states else "final"
                fault = Fault.UNSETTLED if found else Fault.FORGOTTEN
                yield Wrong(fault, receipt, expected, status, "api", article)

        return _in_parallel(look, receipts)

    def _article_of(self, receipt: str) -> str | None:
        story = next(ack.post.story for ack in self.ledger.acks if ack.receipt == receipt)
        return self.ledger.articles.get(story)

    def _strays(self, rights: Sequence[Right], bucket: Look) -> list[Wrong]:
        """Return each page of an article that is public where none has to be."""
        expected = {right.url for right in rights if right.is_live}

        def look(key: str) -> Iterator[Wrong]:
            url = "/" + key.removesuffix("index.html")
            if bucket(url).status == 200:
                yield Wrong(Fault.STALE, url, "no page", "200", "bucket")

        pages = filter(_ARTICLE_PAGE.match, keys_in(self.store, self.stack.s3.public_bucket))
        return _in_parallel(look, (key for key in pages if "/" + key.removesuffix("index.html") not in expected))

    def _other(self) -> Iterator[Wrong]:
        """Yield what is known without looking at the site."""
        for key in keys_in(self.store, self.stack.s3.content_bucket, "dead-letters/"):
            yield Wrong(Fault.BURIED, key, "none", "a dead letter", "bucket")
        for post, words in self.ledger.refused:
            article = self.ledger.articles.get(post.story)
            yield Wrong(Fault.REFUSED, f"{post.source_id} revision {post.number}", "202", words, "api", article)
        for article, mark in dict.fromkeys(self.watcher.seen.early):
            yield Wrong(Fault.EARLY, mark, "not public", "public", "edge", article)
        answered = Counter((ack.post.story, ack.post.number) for ack in self.ledger.acks)
        answered.update((post.story, post.number) for post, _ in self.ledger.refused)
        for (story, number), missing in (self.ledger.posted - answered).items():
            yield Wrong(Fault.UNANSWERED, f"story-{story} revision {number}", "an answer", f"{missing} without", "api")
        for ack in self.ledger.acks:
            if ack.revision not in (None, name := revision_name(ack.post.stamp)):
                yield Wrong(Fault.STALE, ack.receipt, name, str(ack.revision), "api")
        yield from self.lost

    def _shown_ever(self) -> dict[str, set[str]]:
        shown: dict[str, set[str]] = {}
        for post in self.edition.posts:
            if post.picture and (article := self.ledger.articles.get(post.story)):
                shown.setdefault(post.picture, set()).add(article)
        return shown

    def _name_articles(self) -> None:
        """Learn which articles those are of which every post was read later: from receipts, or by posting once more.

        What is stored is answered as a duplicate then; anything else says that it was lost.
        """
        for ack in list(self.ledger.acks):
            if ack.post.story in self.ledger.articles:
                continue
            found = self.watcher.receipt(ack.receipt)
            if not (found and found.get("article")):
                found = self.watcher.post_again(ack.post)
                if found["status"] not in {"duplicate", "superseded"}:
                    self.lost.append(Wrong(Fault.LOST, ack.receipt, "stored", found["status"], "api", found["article"]))
            self.ledger.articles[ack.post.story] = found["article"]


def _in_parallel(look: Callable[[str], Iterable[Wrong]], what: Iterable[str]) -> list[Wrong]:
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(chain.from_iterable(pool.map(lambda each: list(look(each)), what)))
