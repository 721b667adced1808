"""The figures of a run, and of a red one everything that is needed to see why."""

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
from tests.chaos.looks import keys_in
from tests.chaos.oracle import Fault, Wrong
from tests.chaos.run import ReceiptStatus, Run
from tests.chaos.verdict import Judge

REPORT = "report.json"
_MESSAGE_ID = re.compile(r'"message_id": "([0-9a-f-]+)"')
_MOST_ARTICLES = 30  # whose whole story is told
_MOST_SHOWN = 5  # of each fault; the report holds all
_MAX_LINES = 300  # of an article's log
_MAX_ENTRIES = 200  # of a Redis key
_REPEATED = {
    "article.reemitted": "articles re-emitted by the sweep",
    "message.retried": "messages retried",
}


def show(outcome: ReceiptStatus, console: Console) -> None:
    """Print the figures; those that have to be nought come last."""
    table = Table(title=f"chaos, seed {outcome.plan.seed}", box=None, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in outcome.figures.items():
        table.add_row(name, value)
    counts = Counter(wrong.fault for wrong in outcome.wrong)
    for fault in Fault:
        style = "bold red" if counts[fault] else "green"
        table.add_row(fault.value, f"[{style}]{counts[fault]}[/]")
    console.print(table)
    for fault in Fault:
        for wrong in [each for each in outcome.wrong if each.fault is fault][:_MOST_SHOWN]:
            named = f" ({wrong.article})" if wrong.article else ""
            console.print(f"  {fault}: {wrong.where} {wrong.what}{named}", markup=False, soft_wrap=True)
            console.print(f"    expected {wrong.expected}", markup=False, soft_wrap=True)
            console.print(f"    seen     {wrong.seen}", markup=False, soft_wrap=True)


def repetitions(folder: RunFolder) -> dict[str, str]:
    """Return how often the logs tell that something was done again; a message is handled twice if it came twice."""
    counts: Counter[str] = Counter()
    handled: Counter[str] = Counter()
    for log in folder.logs.glob("*.log*"):
        if log.name.startswith("supervisor"):
            continue  # it repeats the last lines of whoever died
        for line in log.open(encoding="utf-8", errors="replace"):
            counts.update(name for name in _REPEATED if f'"{name}"' in line)
            if '"message.handled"' in line and (found := _MESSAGE_ID.search(line)):
                handled[found.group(1)] += 1
    repeated = {words: str(counts[name]) for name, words in _REPEATED.items()}
    return repeated | {"messages handled twice": str(sum(number > 1 for number in handled.values()))}


def dump(run: Run, judge: Judge, wrong: list[Wrong], told: list[tuple[float, str]]) -> None:
    """Write down what is wrong with all that is known of it, while the stack still stands."""
    folder = run.folder.path.parent
    told_of = dict.fromkeys(each.article for each in wrong if each.article)  # what readers see comes first
    report = {
        "seed": run.plan.seed,
        "articles": run.plan.articles,
        "short": run.plan.is_short,
        "blows": [{"at": at, "what": words} for at, words in told],
        "wrong": [{**_fields(each)} for each in wrong],
        "of_articles": {article: _known_of(article, run, judge) for article in islice(told_of, _MOST_ARTICLES)},
        "redis": _redis(run.stack),
    }
    (folder / REPORT).write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")
    (folder / "stack.json").write_text(run.stack.model_dump_json(indent=1), encoding="utf-8")


def _fields(wrong: Wrong) -> dict[str, str | None]:
    return {name: getattr(wrong, name) for name in wrong.__slots__}


def _known_of(article: str, run: Run, judge: Judge) -> dict[str, Any]:
    story = next(story for story, named in run.ledger.articles.items() if named == article)
    acks = [ack for ack in run.ledger.acks if ack.post.story == story]
    bucket = run.stack.s3.content_bucket
    keys = list(keys_in(judge.store, bucket, f"articles/epn/{article}/"))
    addresses = sorted(judge.watcher.seen.addresses.get(article, ()))
    return {
        "posts": [json.loads(post.document) for post in judge.edition.stories[story]],
        "acknowledged": [f"{ack.post.number} {ack.status} {ack.receipt}" for ack in acks],
        "state": judge.watcher.collect(article),
        "receipts": {ack.receipt: judge.watcher.receipt(ack.receipt) for ack in acks},
        "content": {key: _object(judge, bucket, key) for key in keys},
        "public": {
            url: _object(judge, run.stack.s3.public_bucket, url.strip("/") + "/index.html") for url in addresses
        },
        "log": list(islice(_log_lines(run.folder, article), _MAX_LINES)),
    }


def _object(judge: Judge, bucket: str, key: str) -> dict[str, Any]:
    try:
        found = judge.store.get_object(Bucket=bucket, Key=key)
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
    """Return the first entries of every key: queues, what is not acknowledged, index, marks."""
    redis = Redis.from_url(stack.redis, decode_responses=True)
    found: dict[str, Any] = {}
    for key in redis.scan_iter(count=1000):
        if str(key).startswith("receipt"):
            continue
        found[str(key)] = _value(redis, str(key))
    return found


def _value(redis: Redis, key: str) -> Any:
    last = _MAX_ENTRIES - 1
    match redis.type(key):
        case "list":
            return {"length": redis.llen(key), "first": redis.lrange(key, 0, last)}
        case "hash":
            return dict(islice(redis.hscan_iter(key), _MAX_ENTRIES))
        case "zset":
            return redis.zrevrange(key, 0, last, withscores=True)
        case "set":
            return sorted(islice(redis.sscan_iter(key), _MAX_ENTRIES))
        case "string":
            return {"value": redis.get(key), "ttl_ms": redis.pttl(key)}
        case other:
            return str(other)
