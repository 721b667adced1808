"""One run: senders, faults and a watcher in parallel, then the check of the site."""

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
from tests.chaos.checker import Checker, ShowProgress
from tests.chaos.faults import SECOND_PUBLISHER, Fault, FaultInjector, planned_faults
from tests.chaos.fetchers import edge_fetcher, store_of
from tests.chaos.newsroom import Edition, edition
from tests.chaos.oracle import Defect, DefectKind, SiteRules
from tests.chaos.pace import Pace
from tests.chaos.senders import PostLog, Senders, Watcher, post_until_answered

SENDER_COUNT = 4
MAX_CONVERGENCE_SECONDS = 60.0
_SITE = PROJECT / "infra" / "sites" / "epn.toml"
_PICTURE_COUNT = 6
_TICK_SECONDS = 0.2
_WATCH_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a run."""

    seed: int
    articles: int
    is_short: bool

    @property
    def posting_seconds(self) -> float:
        """Return the time over which the posts are spread."""
        return 75.0 if self.is_short else 240.0

    def rng(self, part: str) -> Random:
        """Return a generator per part of the run, so that the threads of the parts do not affect each other."""
        return Random(f"{self.seed} {part}")  # noqa: S311 -- repeatable, not secret

    def faults(self) -> list[Fault]:
        """Return the faults to inject."""
        return planned_faults(self.rng("faults"), is_short=self.is_short)


@dataclass(slots=True)
class RunResult:
    """The defects and figures of a run."""

    plan: Plan
    defects: list[Defect] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A stack with senders, a watcher and a fault injector."""

    plan: Plan
    settings: StackSettings
    stack: StackFile
    show_progress: ShowProgress
    stop: Event = field(default_factory=Event)
    post_log: PostLog = field(default_factory=PostLog)

    @property
    def folder(self) -> RunFolder:
        """Return the stack's files."""
        return RunFolder(self.settings.run_folder)

    def go(self, dump: Callable[[Run, Checker, list[Defect], list[tuple[float, str]]], None]) -> RunResult:
        """Run and check; call `dump` if there are defects, while the stack is still running."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.stack.token}"}
        with ExitStack() as exits:
            api = exits.enter_context(httpx.Client(base_url=self.stack.api, headers=headers, trust_env=False))
            edge = exits.enter_context(httpx.Client(base_url=self.stack.edge, timeout=20, trust_env=False))
            second_publisher = self._second_publisher()
            exits.callback(_end, second_publisher)
            injector = FaultInjector(
                self.folder, Redis.from_url(self.stack.redis), lambda: second_publisher.pid, self.stop
            )
            exits.callback(injector.continue_stopped)
            pool = exits.enter_context(ThreadPoolExecutor(SENDER_COUNT + 3))
            exits.callback(self.stop.set)  # called first, so that no thread outlives the run
            posts, pictures = self._prepare_edition(api)
            checker = Checker(
                stack=self.stack,
                store=store_of(self.stack),
                edge=edge_fetcher(edge),
                rules=SiteRules.read(_SITE),
                edition=posts,
                post_log=self.post_log,
                watcher=Watcher(api, edge),
                pictures=pictures,
            )
            self._run_load(checker, injector, pool, api, second_publisher)
            defects = self._check(checker, injector)
            result = RunResult(self.plan, defects, self._figures(checker, injector, time.monotonic() - began))
            if defects:
                dump(self, checker, defects, injector.injected.timeline)
        return result

    def _prepare_edition(self, api: httpx.Client) -> tuple[Edition, dict[str, str]]:
        """Upload pictures; return the stories to post, and the public paths of the pictures."""
        pictures = {}
        for number in range(_PICTURE_COUNT):
            out = io.BytesIO()
            Image.new("RGB", (40 + number, 30), (20 * number, 60, 120)).save(out, "PNG")
            reply = api.post("/v1/media", content=out.getvalue(), timeout=30).raise_for_status().json()
            pictures[reply["media"]] = f"/media/{reply['media']}/{reply['width']}.png"
        planned = edition(
            self.plan.rng("edition"),
            self.plan.articles,
            start=datetime.now(UTC),
            seconds=self.plan.posting_seconds,
            pictures=list(pictures),
        )
        if "/v1/articles/{article}/kill" in api.get("/openapi.json").json()["paths"]:
            planned.kill_by_call()
        return planned, pictures

    def _run_load(
        self,
        checker: Checker,
        injector: FaultInjector,
        pool: ThreadPoolExecutor,
        api: httpx.Client,
        second_publisher: ProgramRunner,
    ) -> None:
        """Post, inject faults and watch in parallel, until all posts and faults are done."""
        order = checker.edition.sending_order(self.plan.rng("order"))
        pace = Pace(Redis.from_url(self.stack.redis), self.plan.posting_seconds)
        senders = Senders(api, self.post_log, self.stop, pace)
        work: list[Future[None]] = [
            *(pool.submit(senders.run, order) for _ in range(SENDER_COUNT)),
            pool.submit(self._kill_by_call, checker, api, pace),
            pool.submit(injector.run, self.plan.faults(), self.plan.rng("times"), pace),
        ]
        watched = Event()
        watching = pool.submit(self._watch, checker, watched)
        while not all(each.done() for each in work):
            second_publisher.tick(
                time.monotonic()
            )  # in the main thread: the child process dies with the thread that started it
            acknowledged = len(self.post_log.acks)
            text = f"{acknowledged} of {len(order)} posts acknowledged, {self._last_fault(injector)}"
            self.show_progress(text, acknowledged / len(order))
            failed = [each for each in (*work, watching) if each.done() and each.exception()]
            if failed:
                failed[0].result()
            time.sleep(_TICK_SECONDS)
        watched.set()
        for each in (*work, watching):
            each.result()

    def _last_fault(self, injector: FaultInjector) -> str:
        timeline = injector.injected.timeline
        return timeline[-1][1] if timeline else "no fault yet"

    def _kill_by_call(self, checker: Checker, api: httpx.Client, pace: Pace) -> None:
        """Kill stories by calls, each after the answers to all its posts."""
        waiting = sorted(checker.edition.killed_by_call)
        while waiting and not self.stop.wait(_TICK_SECONDS):
            is_over = pace.is_over  # no more posts will be answered: this is the last round
            for story in [story for story in waiting if self._is_answered(story, checker)]:
                waiting.remove(story)
                self._kill(story, api)
            if is_over:
                return

    def _is_answered(self, story: int, checker: Checker) -> bool:
        return story in self.post_log.articles and len(self.post_log.acknowledged(story)) == len(
            checker.edition.stories[story]
        )

    def _kill(self, story: int, api: httpx.Client) -> None:
        article = self.post_log.articles[story]
        headers, why = {"Content-Type": "application/json"}, b'{"why": "chaos"}'
        answer = post_until_answered(api, f"/v1/articles/{article}/kill", why, headers, self.stop, self.post_log)
        if answer is not None and answer.is_success:
            self.post_log.kills[article] = answer.json()["receipt"]
            self.post_log.last_ack[story] = time.monotonic()
        elif answer is not None:
            post = self.post_log.acknowledged(story)[-1]
            self.post_log.refused.append((post, f"kill: {answer.status_code} {answer.text[:500]}"))

    def _watch(self, checker: Checker, watched: Event) -> None:
        """Read the public pages repeatedly while they change."""
        while not watched.is_set() and not self.stop.is_set():
            for front in checker.rules.fronts:
                checker.edge(front.url)
            for story, article in list(self.post_log.articles.items()):
                if watched.is_set() or self.stop.wait(_WATCH_PAUSE_SECONDS):
                    return
                self._watch_story(story, article, checker)

    def _watch_story(self, story: int, article: str, checker: Checker) -> None:
        if story in checker.watcher.observed.expected_since:
            return
        revisions = checker.edition.stories[story]
        checker.watcher.collect(article)
        embargo = revisions[-1].embargo_until
        if embargo and datetime.now(UTC) < embargo:
            urls = [front.url for front in checker.rules.fronts]
            if any(post is revisions[-1] for post in self.post_log.acknowledged(story)):
                urls.append(checker.expectation(story, article).url)
            checker.watcher.note_early_text(article, revisions, urls)
            return
        if not self._is_answered(story, checker):
            return
        is_to_be_killed = story in checker.edition.killed_by_call and article not in self.post_log.kills
        if not is_to_be_killed and checker.is_as_expected(checker.expectation(story, article)):
            checker.watcher.observed.expected_since[story] = time.monotonic()

    def _check(self, checker: Checker, injector: FaultInjector) -> list[Defect]:
        last_ack = max(self.post_log.last_ack.values(), default=0.0)
        last_due = max(_due(checker.edition, story) for story in range(len(checker.edition.stories)))
        deadline = max(injector.injected.last_at, last_ack, last_due) + MAX_CONVERGENCE_SECONDS
        defects = checker.wait_and_check(deadline, self.show_progress)
        defects += [Defect(DefectKind.BROKEN, name, "running", "not running") for name in injector.injected.never_back]
        return defects

    def _figures(self, checker: Checker, injector: FaultInjector, seconds: float) -> dict[str, str]:
        injected = injector.injected
        observed = checker.watcher.observed
        slow = [
            at - max(self.post_log.last_ack[story], _due(checker.edition, story))
            for story, at in observed.expected_since.items()
        ]
        return {
            "articles": str(len(checker.edition.stories)),
            "posted (every revision twice)": str(self.post_log.posted.total()),
            "not posted before the time limit": str(2 * len(checker.edition.posts) - self.post_log.posted.total()),
            "retries by senders": str(self.post_log.retried),
            "acknowledged": str(len(self.post_log.acks)),
            "killed by a call": str(len(self.post_log.kills)),
            "injected faults": ", ".join(f"{number} x {kind}" for kind, number in sorted(injected.counts.items())),
            "messages lost with a flush": str(injected.flushed),
            "slowest from acknowledged to as expected": f"{max(slow, default=0):.0f} s",
            "all as expected after the last fault": f"{checker.converged_at - injected.last_at:.0f} s"
            if checker.converged_at
            else "no",
            "duration": f"{seconds:.0f} s",
        }

    def _second_publisher(self) -> ProgramRunner:
        """Return a second publisher; `_run_load` restarts it, as the supervisor restarts the first."""
        program = Program(
            name=SECOND_PUBLISHER,
            command=(sys.executable, "-m", "services.publish"),
            environment=environment_of(self.settings, self.folder),
        )
        return ProgramRunner(
            program, log=self.folder.log(SECOND_PUBLISHER), policy=RestartPolicy(), report=lambda _, __: None
        )


def _end(runner: ProgramRunner) -> None:
    if runner.child:
        runner.child.stop()


def _due(posts: Edition, story: int) -> float:
    """Return the monotonic time at which a story's embargo ends, or 0 without one."""
    embargo = posts.stories[story][-1].embargo_until
    return time.monotonic() + (embargo - datetime.now(UTC)).total_seconds() if embargo else 0.0
