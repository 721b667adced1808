from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.desk.domain.imports import MAX_CHUNK_BYTES, MAX_CHUNK_LINES, ImportLine, ImportState, in_chunks
from services.desk.handler.imports import Import, ImportStalledError, Waiting, Watch
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

Answer = Callable[[Sequence[bytes]], Iterator[Mapping[str, Any]]]


@dataclass
class Files:
    """A file of `count` lines, with its lists in memory; `saved` is the progress after a crash."""

    count: int
    receipts: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    saved: ImportState = field(default_factory=ImportState)

    def lines(self, state: ImportState) -> Iterator[ImportLine]:
        for number in range(state.line + 1, self.count + 1):
            yield ImportLine(number, number * 10, str(number).encode())

    def note_receipt(self, line: int, receipt: str) -> int:
        self.receipts.append(line)
        return len(self.receipts)

    def note_refused(self, line: int, reason: str, receipt: str | None) -> int:
        self.refused.append(line)
        return len(self.refused)

    def save(self, state: ImportState) -> None:
        self.saved = state.model_copy()


@dataclass
class Clock:
    """A clock that only sleeping advances."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.1)

    def waiting(self, patience_seconds: float = 60) -> Waiting:
        return Waiting(self.sleep, lambda: self.now, patience_seconds)


def import_all(files: Files, *answers: Answer, clock: Clock | None = None) -> list[list[bytes]]:
    """Import; the given answers reply to the first requests, `accept_all` to the rest. Return the sent lines."""
    sent, left = [], list(answers)

    def post(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        sent.append(list(lines))
        return (left.pop(0) if left else accept_all)(lines)

    run = Import(files, post, files.saved.model_copy(), (clock or Clock()).waiting(), lambda *_: None)
    run.run()
    return sent


def accept_all(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        yield {"line": number, "status": "accepted", "receipt": line.decode()}


def connection_lost_after(count: int) -> Answer:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        yield from accept_all(lines[:count])
        raise EndpointUnavailableError("the connection was lost")

    return answer


def stopped_at(count: int, *, retry_after_seconds: int | None) -> Answer:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        yield from accept_all(lines[: count - 1])
        yield {
            "line": count,
            "status": "stopped",
            "retry_after_seconds": retry_after_seconds,
            "problem": {"detail": "x"},
        }

    return answer


def test_after_a_lost_connection_only_unanswered_lines_are_sent_again() -> None:
    files, clock = Files(10), Clock()
    sent = import_all(files, connection_lost_after(4), connection_lost_after(0), clock=clock)

    assert [len(lines) for lines in sent] == [10, 6, 6]
    assert files.receipts == list(range(1, 11))
    assert clock.slept == [5, 5]


def test_after_a_truncated_response_the_other_lines_are_sent_again() -> None:
    files = Files(10)
    import_all(files, lambda lines: accept_all(lines[:3]))

    assert files.receipts == list(range(1, 11))


def test_a_stopped_request_continues_after_its_retry_after_seconds() -> None:
    files, clock = Files(10), Clock()
    import_all(files, stopped_at(5, retry_after_seconds=None), stopped_at(2, retry_after_seconds=30), clock=clock)

    assert files.receipts == list(range(1, 11))
    assert clock.slept == [0, 30]


def test_without_progress_the_import_stops_and_saves_its_progress() -> None:
    files, clock = Files(300), Clock()
    with pytest.raises(ImportStalledError, match="the connection was lost"):
        import_all(files, accept_all, connection_lost_after(7), *[connection_lost_after(0)] * 100, clock=clock)

    assert 60 <= clock.now < 80
    assert (files.saved.line, files.saved.accepted, files.saved.receipts_bytes) == (207, 207, 207)
    import_all(files)
    assert files.receipts == list(range(1, 301))


def test_a_refused_request_ends_the_import_at_once() -> None:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        raise EndpointRefusedError("the token is not known here")

    files, clock = Files(5), Clock()
    with pytest.raises(EndpointRefusedError):
        import_all(files, answer, clock=clock)
    assert clock.slept == []
    assert files.saved.line == 0


def test_busy_lines_are_sent_again_alone_and_the_lists_stay_in_order() -> None:
    def some_busy(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(lines, 1):
            if number in {2, 5}:
                yield {"line": number, "status": "busy", "retry_after_seconds": 3, "problem": {"detail": "full"}}
            elif number == 7:
                yield {"line": number, "status": "refused", "problem": {"detail": "no"}}
            else:
                yield {"line": number, "status": "accepted", "receipt": line.decode()}

    files, clock = Files(8), Clock()
    sent = import_all(files, some_busy, clock=clock)

    assert sent[1] == [b"2", b"5"]
    assert (files.receipts, files.refused) == ([1, 2, 3, 4, 5, 6, 8], [7])
    assert clock.slept == [3]


def test_a_chunk_is_bounded_in_lines_and_in_bytes() -> None:
    big = [ImportLine(number, 0, b"x" * (MAX_CHUNK_BYTES // 2)) for number in range(1, 6)]
    small = [ImportLine(number, 0, b"x") for number in range(1, 2 * MAX_CHUNK_LINES + 2)]

    assert [len(chunk) for chunk in in_chunks(big)] == [2, 2, 1]
    assert [len(chunk) for chunk in in_chunks(small)] == [MAX_CHUNK_LINES, MAX_CHUNK_LINES, 1]
    assert list(in_chunks([])) == []


def test_while_the_first_receipt_is_not_final_the_others_are_not_polled() -> None:
    asked: Counter[str] = Counter()
    clock = Clock()

    def find(receipt: str) -> Mapping[str, Any]:
        asked[receipt] += 1
        return {"status": "live" if receipt != "1" or asked["1"] > 5 else "accepted"}

    final = Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None).run((each, str(each)) for each in range(1, 251))

    assert final.by_status == {"live": 250}
    assert asked.pop("1") == 6
    assert set(asked.values()) == {1}


def test_polling_takes_at_most_a_tenth_of_the_time() -> None:
    clock, asked = Clock(), Counter[str]()

    def find(receipt: str) -> Mapping[str, Any]:
        asked[receipt] += 1
        clock.now += 0.5  # the store is busy with the same articles
        return {"status": "live" if receipt == "1" or asked[receipt] == 4 else "accepted"}

    Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None, threads=1).run(
        (each, str(each)) for each in range(1, 4)
    )

    after_two, after_one, first_unfinished = 9 * 1.0, 9 * 0.5, 0.5
    assert clock.slept == [after_two, first_unfinished, first_unfinished, after_one, first_unfinished]


def test_the_watch_survives_an_unavailable_endpoint() -> None:
    clock, asked = Clock(), []

    def find(receipt: str) -> Mapping[str, Any]:
        asked.append(receipt)
        if len(asked) < 4:
            raise EndpointUnavailableError("away")
        return {"status": "scheduled"}

    final = Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None).run([(1, "a")])

    assert (final.by_status, len(asked)) == ({"scheduled": 1}, 4)
