"""The figures of a run, and a report with all details after a failed run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from redis import Redis
from rich.console import Console
from rich.table import Table

from infra.local.state import RunFolder, StackFile
from tests.chaos.checker import Checker
from tests.chaos.fetchers import keys_in
from tests.chaos.oracle import Defect, DefectKind
from tests.chaos.run import Run, RunResult

REPORT = "report.json"
_MESSAGE_ID = re.compile(r'"message_id": "([0-9a-f-]+)"')
_MAX_REPORTED_ARTICLES = 30  # with all details
_MAX_SHOWN_PER_KIND = 5  # the report contains all
_MAX_LOG_LINES = 300  # of an article's log
_MAX_REDIS_ENTRIES = 200  # of a Redis key
_REPEATED = {
    "article.reemitted": "articles re-emitted by the sweep",
    "message.retried": "messages retried",
}


def show(result: RunResult, console: Console) -> None:
    """Print the figures; the counts of defects come last."""
    table = Table(title=f"chaos, seed {result.plan.seed}", box=None, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in result.figures.items():
        table.add_row(name, value)
    counts = Counter(defect.kind for defect in result.defects)
    for kind in DefectKind:
        style = "bold red" if counts[kind] else "green"
        table.add_row(kind.value, f"[{style}]{counts[kind]}[/]")
    console.print(table)
    for kind in DefectKind:
        for defect in [each for each in result.defects if each.kind is kind][:_MAX_SHOWN_PER_KIND]:
            named = f" ({defect.article})" if defect.article else ""
            console.print(f"  {kind}: {defect.where} {defect.subject}{named}", markup=False, soft_wrap=True)
            console.print(f"    expected {defect.expected}", markup=False, soft_wrap=True)
            console.print(f"    seen     {defect.seen}", markup=False, soft_wrap=True)


def repetitions(folder: RunFolder) -> dict[str, str]:
    """Return counts of repeated work from the logs; a redelivered message is handled twice."""
    counts: Counter[str] = Counter()
    handled: Counter[str] = Counter()
    for log in folder.logs.glob("*.log*"):
        if log.name.startswith("supervisor"):
            continue  # it repeats the last lines of processes that died
        for line in log.open(encoding="utf-8", errors="replace"):
            counts.update(name for name in _REPEATED if f'"{name}"' in line)
            if '"message.handled"' in line and (found := _MESSAGE_ID.search(line)):
                handled[found.group(1)] += 1
    repeated = {words: str(counts[name]) for name, words in _REPEATED.items()}
    return repeated | {"messages handled twice": str(sum(number > 1 for number in handled.values()))}


def dump(run: Run, checker: Checker, defects: list[Defect], timeline: list[tuple[float, str]]) -> None:
    """Write the report of the defects, while the stack is still running."""
    folder = run.folder.path.parent
    articles = dict.fromkeys(each.article for each in defects if each.article)  # defects that readers see come first
    report = {
        "seed": run.plan.seed,
        "articles": run.plan.articles,
        "short": run.plan.is_short,
        "faults": [{"at": at, "fault": description} for at, description in timeline],
        "defects": [_fields(each) for each in defects],
        "of_articles": {
            article: _details_of(article, run, checker) for article in islice(articles, _MAX_REPORTED_ARTICLES)
        },
        "redis": _redis(run.stack),
    }
    (folder / REPORT).write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")
    (folder / "stack.json").write_text(run.stack.model_dump_json(indent=1), encoding="utf-8")


def _fields(defect: Defect) -> dict[str, str | None]:
    return {name: getattr(defect, name) for name in defect.__slots__}


def _details_of(article: str, run: Run, checker: Checker) -> dict[str, Any]:
    story = next(story for story, named in run.post_log.articles.items() if named == article)
    acks = [ack for ack in run.post_log.acks if ack.post.story == story]
    bucket = run.stack.s3.content_bucket
    keys = list(keys_in(checker.store, bucket, f"articles/epn/{article}/"))
    addresses = sorted(checker.watcher.observed.addresses.get(article, ()))
    return {
        "posts": [json.loads(post.document) for post in checker.edition.stories[story]],
        "acknowledged": [f"{ack.post.number} {ack.status} {ack.receipt}" for ack in acks],
        "state": checker.watcher.collect(article),
        "receipts": {ack.receipt: checker.watcher.receipt(ack.receipt) for ack in acks},
        "content": {key: _object(checker, bucket, key) for key in keys},
        "public": {
            url: _object(checker, run.stack.s3.public_bucket, url.strip("/") + "/index.html") for url in addresses
        },
        "log": list(islice(_log_lines(run.folder, article), _MAX_LOG_LINES)),
    }


def _object(checker: Checker, bucket: str, key: str) -> dict[str, Any]:
    try:
        found = checker.store.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        return {"error": str(error)}
    body = found["Body"].read().decode(errors="replace")
    return {"at": found["LastModified"], "etag": found["ETag"], "metadata": found["Metadata"], "body": body}


def _log_lines(folder: RunFolder, article: str) -> Iterator[str]:
    for log in sorted(folder.logs.glob("*.log*")):
        for line in log.open(encoding="utf-8", errors="replace"):
            if article in line:
                yield f"{Path(log).name}: {line.strip()[:1000]}"


def _redis(stack: StackFile) -> dict[str, Any]:
    """Return the first entries of every key except receipts."""
    redis = Redis.from_url(stack.redis, decode_responses=True)
    found: dict[str, Any] = {}
    for key in redis.scan_iter(count=1000):
        if str(key).startswith("receipt"):
            continue
        found[str(key)] = _value(redis, str(key))
    return found


def _value(redis: Redis, key: str) -> Any:
    last = _MAX_REDIS_ENTRIES - 1
    match redis.type(key):
        case "list":
            return {"length": redis.llen(key), "first": redis.lrange(key, 0, last)}
        case "hash":
            return dict(islice(redis.hscan_iter(key), _MAX_REDIS_ENTRIES))
        case "zset":
            return redis.zrevrange(key, 0, last, withscores=True)
        case "set":
            return sorted(islice(redis.sscan_iter(key), _MAX_REDIS_ENTRIES))
        case "string":
            return {"value": redis.get(key), "ttl_ms": redis.pttl(key)}
        case other:
            return str(other)
