"""A step run by hand on one message, for debugging: `python -m services.<service> run-step STEP [--dry-run]`.

The step runs without a queue: no item is retried or dead-lettered, and no time limit ends the run. The event comes from
stdin. Follow-up messages go to stdout as JSON, one on each line. Logs, the writes of a dry run and errors go to stderr.

The follow-ups of a dry run carry the objects that it wrote into the content bucket. So a dry run of the next step can
read them, also of an article that is not stored.
"""

from __future__ import annotations

import json
import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import TextIO

from shared.messaging.handling import Handlers, Result
from shared.messaging.messages import Batch, Message
from shared.messaging.pipeline import Step, steps_for
from shared.runtime.celery_app import PresslineCelery
from shared.runtime.dry_run import DryRun
from shared.runtime.observability import configure_logging, message_context
from shared.runtime.settings import ServiceSettings
from shared.runtime.step_events import (
    MAX_OBJECTS_BYTES,
    UnusableEventError,
    as_end,
    as_event,
    find_step,
    message_of,
    objects_of,
    read_event,
)

_FAILED, _UNUSABLE = 1, 2  # exit codes


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs a service's steps by hand, with their handlers, the dependencies of both modes, and the Celery app."""

    handlers: Handlers
    deps: Callable[[str], object]  # for a site
    dry_run_deps: Callable[[str, DryRun], object]  # the same, with adapters that report each write
    app: Callable[[], PresslineCelery]
    settings: Callable[[], ServiceSettings]

    def main(self, arguments: Sequence[str]) -> int:
        """Run the step of the arguments on the event from stdin; return the exit code."""
        parser = ArgumentParser(prog="run-step", description="Run one step on the event from stdin.")
        parser.add_argument("step", help="a task name, such as render.ArticlesEnriched, or the name of this service")
        parser.add_argument("--dry-run", action="store_true", help="only report writes, purges and messages")
        parser.add_argument("--serve", action="store_true", help="with --dry-run: run each line of stdin, to its end")
        given = parser.parse_args(arguments)
        if given.serve and not given.dry_run:
            parser.error("--serve needs --dry-run")
        configure_logging(self.settings().log_level, "console", stream=sys.stderr)
        if given.serve:
            return self.serve(given.step, sys.stdin.buffer, sys.stdout)
        return self.run(given.step, sys.stdin.buffer.read(), is_dry_run=given.dry_run)

    def serve(self, name: str, events: Iterable[bytes], out: TextIO) -> int:
        """Make a dry run of each event (one a line): the next one needs no new process.

        After the follow-ups of each event comes a line with its exit code and the end of its errors (`as_end`).
        """
        for event in events:
            errors = StringIO()
            with redirect_stderr(errors):
                code = self.run(name, event, is_dry_run=True, out=out)
            out.write(f"{json.dumps(as_end(code, errors.getvalue()))}\n")
            out.flush()
        return 0

    def run(self, name: str, text: bytes, *, is_dry_run: bool, out: TextIO | None = None) -> int:
        """Run a step on an event; return 1 if an item failed, 2 if the event cannot be used, else 0."""
        try:
            event = read_event(text)
            step = find_step(name, event)
            message = message_of(step, event)
            dry_run = DryRun(_report, objects_of(event)) if is_dry_run else None
        except UnusableEventError as unusable:
            _report(str(unusable))
            return _UNUSABLE
        if step not in self.handlers:
            _report(f"{step.task_name} is a step of another service")
            return _UNUSABLE
        try:
            result = self._handle(step, message, dry_run)
            self._emit(step, message, result, out or sys.stdout, dry_run)
        except Exception as raised:  # noqa: BLE001 -- a debugging run shows any error, with its traceback
            _show(raised)
            return _FAILED
        for item, error in result.failed.items():
            _show(error, item)
        return _FAILED if result.failed else 0

    def _handle(self, step: Step, message: Message, dry_run: DryRun | None) -> Result:
        site: str = getattr(message, "site")  # noqa: B009 -- all messages that steps consume have one
        deps = self.dry_run_deps(site, dry_run) if dry_run else self.deps(site)
        with message_context(message):
            return self.handlers[step](message, deps)

    def _emit(self, step: Step, message: Message, result: Result, out: TextIO, dry_run: DryRun | None) -> None:
        """Emit and print the follow-up messages; in a dry run, only print them."""
        rest = [message.only(result.rest)] if result.rest and isinstance(message, Batch) else []
        follow_ups = [(consumer, each) for each in result.emits for consumer in steps_for(type(each))]
        follow_ups += [(step, each) for each in rest]
        if dry_run is None:
            self.app().emit(result.emits)
            self.app().send(step, rest)
        objects = _objects_to_carry(dry_run) if dry_run and follow_ups else {}
        out.writelines(f"{json.dumps(as_event(consumer, each, objects))}\n" for consumer, each in follow_ups)
        done = "not emitted: nothing was written" if dry_run else "emitted"
        _report(f"{step.task_name}: {len(follow_ups)} message(s) {done}")


def _objects_to_carry(dry_run: DryRun) -> dict[str, bytes]:
    """Return the objects for the follow-ups; none, with a report, if they are too large for an event."""
    objects = dry_run.objects()
    if sum(map(len, objects.values())) <= MAX_OBJECTS_BYTES:
        return objects
    _report(f"the follow-ups carry no objects: they are larger than {MAX_OBJECTS_BYTES} bytes")
    return {}


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _show(error: Exception, item: str = "") -> None:
    sys.stderr.write("".join(traceback.format_exception(error)))
    _report(f"failed{f' for {item}' if item else ''}: {type(error).__name__}: {error}")
