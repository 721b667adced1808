"""Moving a file of articles in: portion by portion, in a way that can be cut short anywhere and gone on with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from services.desk.domain.imports import (
    MAX_LINE_BYTES,
    Ends,
    ImportLine,
    ImportState,
    Refused,
    Taken,
    in_chunks,
)
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError
from shared.runtime.errors import PresslineError
from shared.runtime.receipts import ReceiptStatus

_RECHECK_INTERVAL_SECONDS = 0.5
_WINDOW = 100  # receipts that are asked for in turn until all of them have come to their end
_REST = 9  # times as long as the last look at a window took: whoever asks without a rest slows what he waits for
ENDED_WELL = frozenset(set(ReceiptStatus) - {ReceiptStatus.REFUSED, ReceiptStatus.FAILED, ReceiptStatus.HELD})
"""What is as its sender meant it, or overtaken by a later one of his."""
_ASK_AGAIN_SECONDS = 5.0
_UNKNOWN = "unknown"


class ImportStalledError(PresslineError):
    """Nothing went on for so long that there is no sense in waiting; the text says why it did not."""


class ImportFiles(Protocol):
    """The file that is moved in, and what is kept beside it."""

    def lines(self, state: ImportState) -> Iterator[ImportLine]:
        """Yield the lines that the state has not come to."""
        ...

    def note_receipt(self, line: int, receipt: str) -> int:
        """Add to the list of receipts; return its size in bytes."""
        ...

    def note_refused(self, line: int, reason: str, receipt: str | None) -> int:
        """Add to the list of what was refused; return its size in bytes."""
        ...

    def save(self, state: ImportState) -> None:
        """Keep how far it has come, after all that it says of the lists."""
        ...


@dataclass(slots=True)
class Waiting:
    """How waiting is done: seconds to sleep, a clock, and for how long without any progress."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    patience_seconds: float
    moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.moved_at = self.monotonic()

    def note_progress(self) -> None:
        """Begin to count anew."""
        self.moved_at = self.monotonic()

    def wait(self, seconds: float, reason: str) -> None:
        """Wait a little.

        Raises:
            ImportStalledError: nothing has moved for too long.
        """
        if self.monotonic() - self.moved_at >= self.patience_seconds:
            raise ImportStalledError(f"nothing went on for {self.patience_seconds:g} seconds: {reason}")
        self.sleep(seconds)


PostBatch = Callable[[Sequence[bytes]], Iterator[Mapping[str, Any]]]
"""Sends lines; yields what each answer says, as `POST /v1/batches` describes it."""


@dataclass(slots=True)
class Import:
    """One run. `told` hears of progress, and why there is none."""

    files: ImportFiles
    post_batch: PostBatch
    state: ImportState
    waiting: Waiting
    told: Callable[[ImportState, str], None]

    def run(self) -> None:
        """Send all lines that are left; whatever ends it early, what is kept says how far it has come.

        Raises:
            EndpointRefusedError: nothing of it is taken (a token, a site).
            ImportStalledError: the endpoint took nothing for too long.
        """
        try:
            for chunk in in_chunks(self.files.lines(self.state)):
                self._send(chunk)
                self.files.save(self.state)
        finally:
            self.files.save(self.state)

    def _send(self, chunk: list[ImportLine]) -> None:
        """Send a portion until each of its lines is settled; those that had no room at first go again alone."""
        too_long = Refused(f"the line is longer than {MAX_LINE_BYTES} bytes")
        results: dict[int, Taken | Refused] = {line.number: too_long for line in chunk if line.raw is None}
        due = deque(chunk)
        self._settle(due, results)
        while due:
            pending = [line for line in due if line.raw and line.number not in results]
            pause = _Pause(_ASK_AGAIN_SECONDS, "not every line was answered")
            try:
                for reply in self.post_batch([line.raw or b"" for line in pending]):
                    heard = _heard(reply)
                    if isinstance(heard, _Pause):
                        pause = heard
                    else:
                        results[pending[reply["line"] - 1].number] = heard
                        self.waiting.note_progress()
                        self._settle(due, results)
            except EndpointUnavailableError as error:
                pause = _Pause(error.retry_after_seconds or _ASK_AGAIN_SECONDS, str(error))
            if due:
                self.told(self.state, pause.reason)
                self.waiting.wait(pause.seconds, pause.reason)

    def _settle(self, due: deque[ImportLine], results: Mapping[int, Taken | Refused]) -> None:
        """Note what is known of the next lines, in their order, so that one number says how far all of it has come."""
        state = self.state
        while due and (due[0].raw == b"" or due[0].number in results):
            line = due.popleft()
            match results.get(line.number):
                case Taken(receipt):
                    state.receipts_bytes = self.files.note_receipt(line.number, receipt)
                    state.accepted += 1
                case Refused(reason):
                    state.refused_bytes = self.files.note_refused(line.number, reason, None)
                    state.refused += 1
            state.offset, state.line = line.end, line.number
            self.told(state, "")


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float
    reason: str


def _heard(reply: Mapping[str, Any]) -> Taken | Refused | _Pause:
    """Return what a line of the answer says."""
    if reply["status"] == "accepted":
        return Taken(str(reply["receipt"]))
    problem = reply.get("problem") or {}
    reason = reasons_of(problem.get("errors", ())) or str(problem.get("detail", reply["status"]))
    if reply["status"] == "refused":
        return Refused(reason)
    return _Pause(float(reply.get("retry_after_seconds") or 0), reason)


def reasons_of(faults: Iterable[Mapping[str, Any]]) -> str:
    """Return what was wrong, in one line; empty for nothing."""
    return "; ".join(f"{fault.get('pointer') or 'the document'} {fault.get('detail')}" for fault in faults)


@dataclass(slots=True)
class Watch:
    """Waits until every accepted article has come to its end: live, or a stated reason why not."""

    find_receipt: Callable[[str], Mapping[str, Any]]
    note_refused: Callable[[int, str, str | None], int]
    waiting: Waiting
    told: Callable[[Ends, str], None]
    threads: int = 8
    ends: Ends = field(default_factory=Ends)

    def run(self, receipts: Iterable[tuple[int, str]]) -> Ends:
        """Ask for the receipts (line, receipt) in their order, for their articles become live in about that order too.

        While the first is on its way the others are not asked for: each question costs a look at the store.

        Raises:
            ImportStalledError: no article came to its end for too long.
        """
        entries = iter(receipts)
        with ThreadPoolExecutor(self.threads) as pool:
            while window := list(islice(entries, _WINDOW)):
                while window:
                    first, *others = window
                    if self._is_under_way(first, self._look(first)):
                        self.waiting.wait(_RECHECK_INTERVAL_SECONDS, f"line {first[0]} is still on its way")
                        continue
                    began = self.waiting.monotonic()
                    states = pool.map(self._look, others)
                    window = [
                        each for each, state in zip(others, states, strict=True) if self._is_under_way(each, state)
                    ]
                    self.told(self.ends, "")
                    if window:
                        rest = _REST * (self.waiting.monotonic() - began)
                        self.waiting.wait(rest, f"line {window[0][0]} is still on its way")
        return self.ends

    def _look(self, entry: tuple[int, str]) -> Mapping[str, Any]:
        try:
            return self.find_receipt(entry[1])
        except EndpointUnavailableError:
            return {"status": ReceiptStatus.ACCEPTED}  # nobody can say now
        except EndpointRefusedError as error:
            return {"status": _UNKNOWN, "reason": str(error)}

    def _is_under_way(self, entry: tuple[int, str], state: Mapping[str, Any]) -> bool:
        status = str(state["status"])
        if status != _UNKNOWN and not ReceiptStatus(status).is_final and status != ReceiptStatus.SCHEDULED:
            return True
        self.waiting.note_progress()
        self.ends.watched += 1
        self.ends.by_outcome[status] += 1
        if status not in ENDED_WELL:
            line, receipt = entry
            reason = reasons_of(state.get("faults") or ()) or str(state.get("reason") or status)
            self.note_refused(line, reason, receipt)
        return False
