"""Imports a file of articles in chunks; an interrupted import continues where it stopped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from services.desk.domain.imports import (
    MAX_LINE_BYTES,
    Accepted,
    FinalStatuses,
    ImportLine,
    ImportState,
    Refused,
    in_chunks,
)
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError
from shared.runtime.errors import PresslineError
from shared.runtime.receipts import ReceiptStatus

_RECEIPT_POLL_INTERVAL_SECONDS = 0.5
_RECEIPTS_PER_WINDOW = 100  # polled together until all of them are final
_PAUSE_FACTOR = 9  # times the duration of the last poll of a window: polls without a pause slow the workers
ENDED_WELL = frozenset(set(ReceiptStatus) - {ReceiptStatus.REFUSED, ReceiptStatus.FAILED, ReceiptStatus.HELD})
"""Final statuses that need no attention: published as sent, or overtaken by a later article of the same sender."""
_DEFAULT_RETRY_AFTER_SECONDS = 5.0
_UNKNOWN = "unknown"


class ImportStalledError(PresslineError):
    """The import made no progress for too long; the text has the reason."""


class ImportFiles(Protocol):
    """The imported file, its progress file and its two lists."""

    def lines(self, state: ImportState) -> Iterator[ImportLine]:
        """Yield the lines after those that the state counts."""
        ...

    def note_receipt(self, line: int, receipt: str) -> int:
        """Append to the list of receipts; return its size in bytes."""
        ...

    def note_refused(self, line: int, reason: str, receipt: str | None) -> int:
        """Append to the list of refusals; return its size in bytes."""
        ...

    def save(self, state: ImportState) -> None:
        """Write both lists to disk, then the progress that counts them."""
        ...


@dataclass(slots=True)
class Waiting:
    """Pauses until `patience_seconds` pass without progress."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    patience_seconds: float
    moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.moved_at = self.monotonic()

    def note_progress(self) -> None:
        """Restart the count of seconds without progress."""
        self.moved_at = self.monotonic()

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep.

        Raises:
            ImportStalledError: there was no progress for `patience_seconds`.
        """
        if self.monotonic() - self.moved_at >= self.patience_seconds:
            raise ImportStalledError(f"no progress for {self.patience_seconds:g} seconds: {reason}")
        self.sleep(seconds)


PostBatch = Callable[[Sequence[bytes]], Iterator[Mapping[str, Any]]]
"""Sends lines; yields the reply to each line, in the form of `POST /v1/batches`."""


@dataclass(slots=True)
class Import:
    """One run of an import. `on_progress` receives the state, and the reason of a pause."""

    files: ImportFiles
    post_batch: PostBatch
    state: ImportState
    waiting: Waiting
    on_progress: Callable[[ImportState, str], None]

    def run(self) -> None:
        """Send the remaining lines; the progress is saved even if an error ends the run.

        Raises:
            EndpointRefusedError: the whole request was refused (a token, a site).
            ImportStalledError: the endpoint accepted nothing for too long.
        """
        try:
            for chunk in in_chunks(self.files.lines(self.state)):
                self._send(chunk)
                self.files.save(self.state)
        finally:
            self.files.save(self.state)

    def _send(self, chunk: list[ImportLine]) -> None:
        """Send a chunk until each line is accepted or refused; send lines again if the endpoint was overloaded."""
        too_long = Refused(f"the line is longer than {MAX_LINE_BYTES} bytes")
        results: dict[int, Accepted | Refused] = {line.number: too_long for line in chunk if line.raw is None}
        due = deque(chunk)
        self._record_results(due, results)
        while due:
            pending = [line for line in due if line.raw and line.number not in results]
            pause = _Pause(_DEFAULT_RETRY_AFTER_SECONDS, "not every line was answered")
            try:
                for reply in self.post_batch([line.raw or b"" for line in pending]):
                    result = _result_of(reply)
                    if isinstance(result, _Pause):
                        pause = result
                    else:
                        results[pending[reply["line"] - 1].number] = result
                        self.waiting.note_progress()
                        self._record_results(due, results)
            except EndpointUnavailableError as error:
                pause = _Pause(error.retry_after_seconds or _DEFAULT_RETRY_AFTER_SECONDS, str(error))
            if due:
                self.on_progress(self.state, pause.reason)
                self.waiting.wait(pause.seconds, pause.reason)

    def _record_results(self, due: deque[ImportLine], results: Mapping[int, Accepted | Refused]) -> None:
        """Record the results of the next lines in file order, so that one offset describes the progress."""
        state = self.state
        while due and (due[0].raw == b"" or due[0].number in results):
            line = due.popleft()
            match results.get(line.number):
                case Accepted(receipt):
                    state.receipts_bytes = self.files.note_receipt(line.number, receipt)
                    state.accepted += 1
                case Refused(reason):
                    state.refused_bytes = self.files.note_refused(line.number, reason, None)
                    state.refused += 1
            state.offset, state.line = line.end, line.number
            self.on_progress(state, "")


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float
    reason: str


def _result_of(reply: Mapping[str, Any]) -> Accepted | Refused | _Pause:
    """Return the result of one line of the response."""
    if reply["status"] == "accepted":
        return Accepted(str(reply["receipt"]))
    problem = reply.get("problem") or {}
    reason = reasons_of(problem.get("errors", ())) or str(problem.get("detail", reply["status"]))
    if reply["status"] == "refused":
        return Refused(reason)
    return _Pause(float(reply.get("retry_after_seconds") or 0), reason)


def reasons_of(faults: Iterable[Mapping[str, Any]]) -> str:
    """Return all faults in one line; empty if there are none."""
    return "; ".join(f"{fault.get('pointer') or 'the document'} {fault.get('detail')}" for fault in faults)


@dataclass(slots=True)
class Watch:
    """Waits until the receipt of each accepted article is final."""

    find_receipt: Callable[[str], Mapping[str, Any]]
    note_refused: Callable[[int, str, str | None], int]
    waiting: Waiting
    on_progress: Callable[[FinalStatuses, str], None]
    threads: int = 8
    final: FinalStatuses = field(default_factory=FinalStatuses)

    def run(self, receipts: Iterable[tuple[int, str]]) -> FinalStatuses:
        """Poll the receipts (line, receipt) in file order, because articles become live in about that order.

        While the first is not final, the others are not polled: each poll reads the store.

        Raises:
            ImportStalledError: no receipt became final for too long.
        """
        entries = iter(receipts)
        with ThreadPoolExecutor(self.threads) as pool:
            while window := list(islice(entries, _RECEIPTS_PER_WINDOW)):
                while window:
                    first, *others = window
                    if self._is_unfinished(first, self._receipt_of(first)):
                        self.waiting.wait(_RECEIPT_POLL_INTERVAL_SECONDS, f"line {first[0]} is still being processed")
                        continue
                    began_at = self.waiting.monotonic()
                    states = pool.map(self._receipt_of, others)
                    window = [
                        each for each, state in zip(others, states, strict=True) if self._is_unfinished(each, state)
                    ]
                    self.on_progress(self.final, "")
                    if window:
                        pause_seconds = _PAUSE_FACTOR * (self.waiting.monotonic() - began_at)
                        self.waiting.wait(pause_seconds, f"line {window[0][0]} is still being processed")
        return self.final

    def _receipt_of(self, entry: tuple[int, str]) -> Mapping[str, Any]:
        try:
            return self.find_receipt(entry[1])
        except EndpointUnavailableError:
            return {"status": ReceiptStatus.ACCEPTED}  # not known now: poll again
        except EndpointRefusedError as error:
            return {"status": _UNKNOWN, "reason": str(error)}

    def _is_unfinished(self, entry: tuple[int, str], state: Mapping[str, Any]) -> bool:
        status = str(state["status"])
        if status != _UNKNOWN and not ReceiptStatus(status).is_final and status != ReceiptStatus.SCHEDULED:
            return True
        self.waiting.note_progress()
        self.final.count += 1
        self.final.by_status[status] += 1
        if status not in ENDED_WELL:
            line, receipt = entry
            reason = reasons_of(state.get("faults") or ()) or str(state.get("reason") or status)
            self.note_refused(line, reason, receipt)
        return False
