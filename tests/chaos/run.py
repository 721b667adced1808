"""One run: everybody at work at once, then the judgement."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from threading import Event

import httpx
from PIL import Image
from redis import Redis

from infra.local.plan import environment_of
from infra.local.program_runner import Program, ProgramRunner, RestartPolicy
from infra.local.settings import PROJECT, StackSettings
from infra.local.state import RunFolder, StackFile
from tests.chaos.faults import UNDERSTUDY, Blow, Breaker, blows
from tests.chaos.looks import at_edge, store_of
from tests.chaos.newsroom import Edition, edition
from tests.chaos.oracle import Fault, House, Wrong
from tests.chaos.pace import Pace
from tests.chaos.senders import ScratchDb, Senders, Watcher, persist
from tests.chaos.verdict import Judge, Tell

SENDERS = 4
RIGHT_WITHIN_SECONDS = 60.0
_SITE = PROJECT / "infra" / "sites" / "epn.toml"
_PICTURES = 6
_TICK_SECONDS = 0.2
_LOOK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed stands for."""

    seed: int
    articles: int
    is_short: bool

    @property
    def posting_seconds(self) -> float:
        """Return how long the posts are spread over."""
        return 75.0 if self.is_short else 240.0

    def rng(self, what: str) -> Random:
        """Return numbers of their own for each part, so that one part's threads do not move another's."""
        return Random(f"{self.seed} {what}")  # noqa: S311 -- repeatable, not secret

    def blows(self) -> list[Blow]:
        """Return what is done to the stack."""
        return blows(self.rng("blows"), is_short=self.is_short)


@dataclass(slots=True)
class ReceiptStatus:
    """What came of a run."""

    plan: Plan
    wrong: list[Wrong] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A stack of its own with senders, a watcher and a breaker around it."""

    plan: Plan
    settings: StackSettings
    stack: StackFile
    tell: Tell
    stop: Event = field(default_factory=Event)
    ledger: ScratchDb = field(default_factory=ScratchDb)

    @property
    def folder(self) -> RunFolder:
        """Return the stack's files."""
        return RunFolder(self.settings.run_folder)

    def go(self, dump: Callable[[Run, Judge, list[Wrong], list[tuple[float, str]]], None]) -> ReceiptStatus:
        """Run it all; `dump` is called while the stack still stands if anything is wrong."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.stack.token}"}
        with ExitStack() as exits:
            api = exits.enter_context(httpx.Client(base_url=self.stack.api, headers=headers, trust_env=False))
            edge = exits.enter_context(httpx.Client(base_url=self.stack.edge, timeout=20, trust_env=False))
            understudy = self._understudy()
            exits.callback(_end, understudy)
            breaker = Breaker(self.folder, Redis.from_url(self.stack.redis), lambda: understudy.pid, self.stop)
            exits.callback(breaker.let_go)
            pool = exits.enter_context(ThreadPoolExecutor(SENDERS + 3))
            exits.callback(self.stop.set)  # the first to be called: nobody outlives the run
            told, pictures = self._edition(api)
            judge = Judge(
                stack=self.stack,
                store=store_of(self.stack),
                edge=at_edge(edge),
                house=House.read(_SITE),
                edition=told,
                ledger=self.ledger,
                watcher=Watcher(api, edge),
                pictures=pictures,
            )
            self._act(judge, breaker, pool, api, understudy)
            wrong = self._judge(judge, breaker)
            outcome = ReceiptStatus(self.plan, wrong, self._figures(judge, breaker, time.monotonic() - began))
            if wrong:
                dump(self, judge, wrong, breaker.done.told)
        return outcome

    def _edition(self, api: httpx.Client) -> tuple[Edition, dict[str, str]]:
        """Return what will be posted; its pictures are uploaded."""
        pictures = {}
        for number in range(_PICTURES):
            out = io.BytesIO()
            Image.new("RGB", (40 + number, 30), (20 * number, 60, 120)).save(out, "PNG")
            reply = api.post("/v1/media", content=out.getvalue(), timeout=30).raise_for_status().json()
            pictures[reply["media"]] = f"/media/{reply['media']}/{reply['width']}.png"
        told = edition(
            self.plan.rng("edition"),
            self.plan.articles,
            start=datetime.now(UTC),
            seconds=self.plan.posting_seconds,
            pictures=list(pictures),
        )
        if "/v1/articles/{article}/kill" in api.get("/openapi.json").json()["paths"]:
            told.kill_by_call()
        return told, pictures

    def _act(
        self, judge: Judge, breaker: Breaker, pool: ThreadPoolExecutor, api: httpx.Client, understudy: ProgramRunner
    ) -> None:
        """Post, break and watch, all at once, until all is posted and broken."""
        order = judge.edition.sending_order(self.plan.rng("order"))
        pace = Pace(Redis.from_url(self.stack.redis), self.plan.posting_seconds)
        senders = Senders(api, self.ledger, self.stop, pace)
        work: list[Future[None]] = [
            *(pool.submit(senders.run, order) for _ in range(SENDERS)),
            pool.submit(self._kill_by_call, judge, api, pace),
            pool.submit(breaker.run, self.plan.blows(), self.plan.rng("times"), pace),
        ]
        watched = Event()
        watching = pool.submit(self._watch, judge, watched)
        while not all(each.done() for each in work):
            understudy.tick(time.monotonic())  # from the main thread: it must not die with another
            acknowledged = len(self.ledger.acks)
            words = f"{acknowledged} of {len(order)} posts acknowledged, {self._blow(breaker)}"
            self.tell(words, acknowledged / len(order))
            failed = [each for each in (*work, watching) if each.done() and each.exception()]
            if failed:
                failed[0].result()
            time.sleep(_TICK_SECONDS)
        watched.set()
        for each in (*work, watching):
            each.result()

    def _blow(self, breaker: Breaker) -> str:
        told = breaker.done.told
        return told[-1][1] if told else "nothing broken yet"

    def _kill_by_call(self, judge: Judge, api: httpx.Client, pace: Pace) -> None:
        """Kill stories by a call, each once all of it was answered."""
        waiting = sorted(judge.edition.killed_by_call)
        while waiting and not self.stop.wait(_TICK_SECONDS):
            is_over = pace.is_over  # nothing more will be answered: what is waited for in this round is the last
            for story in [story for story in waiting if self._is_answered(story, judge)]:
                waiting.remove(story)
                self._kill(story, api)
            if is_over:
                return

    def _is_answered(self, story: int, judge: Judge) -> bool:
        return story in self.ledger.articles and len(self.ledger.acknowledged(story)) == len(
            judge.edition.stories[story]
        )

    def _kill(self, story: int, api: httpx.Client) -> None:
        article = self.ledger.articles[story]
        headers, why = {"Content-Type": "application/json"}, b'{"why": "chaos"}'
        answer = persist(api, f"/v1/articles/{article}/kill", why, headers, self.stop, self.ledger)
        if answer is not None and answer.is_success:
            self.ledger.kills[article] = answer.json()["receipt"]
            self.ledger.last_ack[story] = time.monotonic()
        elif answer is not None:
            post = self.ledger.acknowledged(story)[-1]
            self.ledger.refused.append((post, f"kill: {answer.status_code} {answer.text[:500]}"))

    def _watch(self, judge: Judge, watched: Event) -> None:
        """Read what is public while it changes, round after round."""
        while not watched.is_set() and not self.stop.is_set():
            for front in judge.house.fronts:
                judge.edge(front.url)
            for story, article in list(self.ledger.articles.items()):
                if watched.is_set() or self.stop.wait(_LOOK_PAUSE_SECONDS):
                    return
                self._look_at(story, article, judge)

    def _look_at(self, story: int, article: str, judge: Judge) -> None:
        if story in judge.watcher.seen.right_at:
            return
        told = judge.edition.stories[story]
        judge.watcher.collect(article)
        embargo = told[-1].embargo_until
        if embargo and datetime.now(UTC) < embargo:
            urls = [front.url for front in judge.house.fronts]
            if any(post is told[-1] for post in self.ledger.acknowledged(story)):
                urls.append(judge.right(story, article).url)
            judge.watcher.look_for_leaks(article, told, urls)
            return
        if not self._is_answered(story, judge):
            return
        is_to_be_killed = story in judge.edition.killed_by_call and article not in self.ledger.kills
        if not is_to_be_killed and judge.is_right(judge.right(story, article)):
            judge.watcher.seen.right_at[story] = time.monotonic()

    def _judge(self, judge: Judge, breaker: Breaker) -> list[Wrong]:
        last_ack = max(self.ledger.last_ack.values(), default=0.0)
        last_due = max(_due(judge.edition, story) for story in range(len(judge.edition.stories)))
        deadline = max(breaker.done.last_at, last_ack, last_due) + RIGHT_WITHIN_SECONDS
        wrong = judge.settle(deadline, self.tell)
        wrong += [Wrong(Fault.BROKEN, name, "back", "not back") for name in breaker.done.never_back]
        return wrong

    def _figures(self, judge: Judge, breaker: Breaker, seconds: float) -> dict[str, str]:
        done = breaker.done
        seen = judge.watcher.seen
        slow = [
            at - max(self.ledger.last_ack[story], _due(judge.edition, story)) for story, at in seen.right_at.items()
        ]
        return {
            "articles": str(len(judge.edition.stories)),
            "posted (every revision twice)": str(self.ledger.posted.total()),
            "not posted, for the time was up": str(2 * len(judge.edition.posts) - self.ledger.posted.total()),
            "sent again by their senders": str(self.ledger.retried),
            "acknowledged": str(len(self.ledger.acks)),
            "killed by a call": str(len(self.ledger.kills)),
            "faults done": ", ".join(f"{number} x {kind}" for kind, number in sorted(done.counts.items())),
            "messages that were flushed away": str(done.flushed),
            "slowest from acknowledged to right (as seen)": f"{max(slow, default=0):.0f} s",
            "all right after the last fault": f"{judge.settled_at - done.last_at:.0f} s" if judge.settled_at else "no",
            "duration": f"{seconds:.0f} s",
        }

    def _understudy(self) -> ProgramRunner:
        """Return a second publisher, kept up by us as the supervisor keeps the first."""
        program = Program(
            name=UNDERSTUDY,
            command=(sys.executable, "-m", "services.publish"),
            environment=environment_of(self.settings, self.folder),
        )
        return ProgramRunner(
            program, log=self.folder.log(UNDERSTUDY), policy=RestartPolicy(), report=lambda _, __: None
        )


def _end(runner: ProgramRunner) -> None:
    if runner.child:
        runner.child.stop()


def _due(told: Edition, story: int) -> float:
    """Return when (monotonic) a story's embargo is over; 0 where there is none."""
    embargo = told.stories[story][-1].embargo_until
    return time.monotonic() + (embargo - datetime.now(UTC)).total_seconds() if embargo else 0.0
