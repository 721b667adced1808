"""Posts articles as a newsroom's system would, over HTTP, and shows when a reader could open each of them."""

from __future__ import annotations

import json
import shlex
import signal
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local.settings import PROJECT, StackSettings
from infra.local.show import show_urls
from infra.local.stack import embedded_stack, start_stack
from infra.local.state import RunFolder, StackError, StackFile

SAMPLES = PROJECT / "infra" / "samples"
_POLL_SECONDS = 0.02
_LIMIT_SECONDS = 60.0
_HEADLINE_CHARS = 60
_STAGES = ("accepted", "enriched", "rendered", "published", "live")
_FINAL = frozenset({"live", "scheduled", "held", "refused", "duplicate", "superseded", "withdrawn", "killed", "failed"})
_UNCHANGED = frozenset({"duplicate", "superseded"})
_PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


@dataclass(slots=True)
class Outcome:
    """What became of one file. Times are in milliseconds from its POST."""

    file: Path
    headline: str
    status: str = ""
    url: str | None = None
    reason: str | None = None
    readable_ms: float | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Return whether a reader can open it now."""
        return self.readable_ms is not None


class PostError(Exception):
    """The endpoint did not take something; the text is its answer."""


def run_demo(settings: StackSettings, files: Sequence[Path], *, is_once: bool) -> bool:
    """Start the stack unless it is up, post, show; stay until Ctrl-C unless `is_once`. Returns whether all is live.

    Raises:
        StackError: the stack cannot start, or a file cannot be read.
    """
    console = Console(highlight=False)
    chosen = [path.resolve() for path in files] or sorted(SAMPLES.glob("*.json"))
    documents = {path: _document(path) for path in chosen}
    with ExitStack() as context:
        context.enter_context(_stopped_by_signals())
        is_ours = not RunFolder(settings.run_folder).is_supervised()
        if is_ours:
            console.print("Starting the stack …")
            stack = context.enter_context(embedded_stack(settings, is_quiet=False))
        else:
            stack = start_stack(settings)
        try:
            outcomes = _post_all(stack, documents, console)
            _show(console, outcomes, settings, stack)
            if not is_once:
                _stay(console, is_ours=is_ours)
        except KeyboardInterrupt:
            console.print("Stopping …" if is_ours else "")
            return not is_once
    return all(outcome.is_live for outcome in outcomes)


def _post_all(stack: StackFile, documents: Mapping[Path, bytes], console: Console) -> list[Outcome]:
    headers = {"authorization": f"Bearer {stack.token}"}
    outcomes = []
    with (
        httpx.Client(base_url=stack.api, headers=headers, timeout=30, trust_env=False) as api,
        httpx.Client(base_url=stack.edge, timeout=30, trust_env=False) as edge,
    ):
        for path, document in documents.items():
            with console.status(f"Posting {path.name} …"):
                outcome = Outcome(path, _headline(document))
                try:
                    _follow(outcome, _with_pictures(path, document, api), api, edge)
                except (PostError, httpx.HTTPError) as error:
                    outcome.status = outcome.status or "refused"
                    outcome.reason = str(error) or type(error).__name__
                outcomes.append(outcome)
    return outcomes


def _follow(outcome: Outcome, document: bytes, api: httpx.Client, edge: httpx.Client) -> None:
    """Post one article, wait for its outcome, then read its page as a reader would."""
    posted_at = time.time()
    receipt = _taken(api.post("/v1/articles", content=document, headers={"content-type": "application/json"}))
    outcome.status = receipt["status"]
    deadline = time.monotonic() + _LIMIT_SECONDS
    known = receipt
    while True:
        answer = api.get(f"/v1/receipts/{receipt['receipt']}")
        if answer.is_success:
            known = answer.json()
        if known["status"] in _FINAL or time.monotonic() >= deadline:
            break
        time.sleep(_POLL_SECONDS)
    outcome.status = known["status"]; open("/tmp/receipts","a").write(json.dumps(known)+"\n")
    outcome.url = known.get("url") or _published_url(api, receipt)
    outcome.reason = known.get("reason")
    for stage in known.get("stages", []):
        outcome.stages_ms[stage["name"]] = (datetime.fromisoformat(stage["at"]).timestamp() - posted_at) * 1000
    if outcome.status not in {"live", *_UNCHANGED}:
        outcome.reason = outcome.reason or f"still {outcome.status} after {_LIMIT_SECONDS:g} s"
        return
    if outcome.url is None:
        outcome.reason = outcome.reason or "no address was told"
        return
    path = urlsplit(outcome.url).path
    while (page := edge.get(path)).status_code != HTTPStatus.OK:
        if time.monotonic() >= deadline:
            outcome.reason = f"the edge answers {page.status_code}"
            return
        time.sleep(_POLL_SECONDS)
    outcome.readable_ms = (time.time() - posted_at) * 1000


def _published_url(api: httpx.Client, receipt: Mapping[str, Any]) -> str | None:
    """Return where an article is that was published before this posting."""
    answer = api.get(f"/v1/articles/{receipt['article']}") if receipt.get("article") else None
    return answer.json().get("url") if answer is not None and answer.is_success else None


def _with_pictures(path: Path, document: bytes, api: httpx.Client) -> bytes:
    """Return the document with pictures that lie beside it uploaded, and named by what the endpoint answered."""
    try:
        article = json.loads(document)
    except ValueError:
        return document  # the endpoint will say what is wrong with it
    found = [picture for picture in _pictures(article) if "file" in picture]
    for picture in found:
        file = path.parent / picture.pop("file")
        kind = _PICTURES.get(file.suffix.lower())
        if kind is None:
            message = f"{file.name} is no JPEG, PNG, WebP or GIF"
            raise PostError(message)
        media = _taken(api.post("/v1/media", content=file.read_bytes(), headers={"content-type": kind}))
        picture |= {name: media[name] for name in ("media", "width", "height") if name in media}
    return json.dumps(article, ensure_ascii=False).encode() if found else document


def _pictures(article: object) -> Iterator[dict[str, Any]]:
    if not isinstance(article, dict):
        return
    several = article.get("pictures")
    for picture in (article.get("picture"), *(several if isinstance(several, list) else ())):
        if isinstance(picture, dict):
            yield picture


def _taken(response: httpx.Response) -> dict[str, Any]:
    """Return the reply's body.

    Raises:
        PostError: it was refused; holds the problem document's words.
    """
    if response.is_success:
        body: dict[str, Any] = response.json()
        return body
    try:
        problem = response.json()
        words = [problem.get("detail") or problem.get("title") or response.text]
        words += [f"{fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in problem.get("errors", [])]
    except (ValueError, AttributeError):
        words = [response.text[:500]]
    message = f"{response.status_code}: {'; '.join(map(str, words))}"
    raise PostError(message)


def _document(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StackError(message) from error


def _headline(document: bytes) -> str:
    """Return what to call it in a table, whatever its format."""
    try:
        item = json.loads(document)
        heads = item.get("headlines") or [{}]
        return str(item.get("headline") or heads[0].get("value") or item.get("title") or "(no headline)")
    except (ValueError, AttributeError, LookupError):
        return "(not read here)"


def _show(console: Console, outcomes: Sequence[Outcome], settings: StackSettings, stack: StackFile) -> None:
    table = _table(outcomes)
    needed = console.measure(table).maximum
    if not console.is_terminal:  # nothing folds a line that is read from a file
        console = Console(highlight=False, width=max(needed, console.width))
    if console.width >= needed:
        console.print(table)
    else:
        _show_list(console, outcomes)
    console.print("Milliseconds from POST; unchanged: it was live already.\n")
    for outcome in outcomes:
        if not outcome.is_live:
            console.print(
                f"{outcome.file.name} is not live ({outcome.status}): {outcome.reason}", markup=False, soft_wrap=True
            )
    show_urls(console, stack)
    console.print("\nPost one of your own (from this folder):")
    # Printed whole, so that it can be copied: no wrapping at the terminal's width.
    console.print(_curl(settings, stack), markup=False, soft_wrap=True)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("Headline", "URL", "readable", *_STAGES, box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for outcome in outcomes:
        headline = Text(textwrap.shorten(outcome.headline, _HEADLINE_CHARS, placeholder=" …"))
        stages = [_ms(outcome.stages_ms.get(stage)) for stage in _STAGES]
        table.add_row(headline, outcome.url or "", _readable(outcome), *stages)
    return table


def _show_list(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Show the same in a narrow terminal, an address being of use only in one piece."""
    for outcome in outcomes:
        console.print(Text(outcome.headline, style="bold"))
        if outcome.url:
            console.print(f"  {outcome.url}", markup=False, soft_wrap=True)
        stages = [f"{stage} {_ms(outcome.stages_ms[stage])}" for stage in _STAGES if stage in outcome.stages_ms]
        console.print(f"  readable {_readable(outcome)}: {', '.join(stages)}", markup=False)


def _readable(outcome: Outcome) -> str:
    if not outcome.is_live:
        return outcome.status
    return "unchanged" if outcome.status in _UNCHANGED else _ms(outcome.readable_ms)


def _curl(settings: StackSettings, stack: StackFile) -> str:
    article = {
        "source": "my-newsroom",
        "source_id": "first-post",
        "headline": "Our first story on Pressline",
        "standfirst": "Posted with curl, readable a moment later.",
        "section": "news",
        "language": "en",
        "body": "<p>Change these words, post again, and the page changes.</p>",
    }
    token_file = shlex.quote(_shown(RunFolder(settings.run_folder).token_file))
    return (
        f'curl -sS -H "Authorization: Bearer $(cat {token_file})" '
        f"-H 'Content-Type: application/json' -H 'Prefer: wait=10' "
        f"--data-binary {shlex.quote(json.dumps(article))} {stack.api}/v1/articles"
    )


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _stay(console: Console, *, is_ours: bool) -> None:
    console.print("\nCtrl-C stops everything." if is_ours else "\nCtrl-C ends this; the stack goes on (make down).")
    while True:
        signal.pause()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into Ctrl-C inside, so that whatever ends us ends the stack too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
