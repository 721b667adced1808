from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.desk.domain.imports import CHUNK_BYTES, CHUNK_LINES, ImportLine, ImportState, in_chunks
from services.desk.handler.imports import Import, ImportStalledError, Waiting, Watch
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

Answer = Callable[[Sequence[bytes]], Iterator[Mapping[str, Any]]]


@dataclass
class Files:
    """A file of so many lines, and the lists in memory; `saved` is what a crash would leave."""

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
    """Time that passes by sleeping only."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.1)

    def waiting(self, patience_seconds: float = 60) -> Waiting:
        return Waiting(self.sleep, lambda: self.now, patience_seconds)


def bring_in(files: Files, *answers: Answer, clock: Clock | None = None) -> list[list[bytes]]:
    """Import, each request answered by the next of the answers and from then on well; return what was sent."""
    sent, left = [], list(answers)

    def post(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        sent.append(list(lines))
        return (left.pop(0) if left else well)(lines)

    run = Import(files, post, files.saved.model_copy(), (clock or Clock()).waiting(), lambda *_: None)
    run.run()
    return sent


def well(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        yield {"line": number, "status": "accepted", "receipt": line.decode()}


def lost_after(count: int) -> Answer:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        yield from well(lines[:count])
        raise EndpointUnavailableError("the connection was lost")

    return answer


def stopped_at(count: int, *, retry_after_seconds: int | None) -> Answer:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        yield from well(lines[: count - 1])
        yield {
            "line": count,
            "status": "stopped",
            "retry_after_seconds": retry_after_seconds,
            "problem": {"detail": "x"},
        }

    return answer


def test_a_lost_connection_costs_only_what_was_not_answered() -> None:
    files, clock = Files(10), Clock()
    sent = bring_in(files, lost_after(4), lost_after(0), clock=clock)

    assert [len(lines) for lines in sent] == [10, 6, 6]
    assert files.receipts == list(range(1, 11))
    assert clock.slept == [5, 5]


def test_an_answer_that_ends_too_early_is_not_taken_for_a_whole_one() -> None:
    files = Files(10)
    bring_in(files, lambda lines: well(lines[:3]))

    assert files.receipts == list(range(1, 11))


def test_what_was_stopped_goes_on_in_the_next_request_after_the_time_that_it_was_told() -> None:
    files, clock = Files(10), Clock()
    bring_in(files, stopped_at(5, retry_after_seconds=None), stopped_at(2, retry_after_seconds=30), clock=clock)

    assert files.receipts == list(range(1, 11))
    assert clock.slept == [0, 30]


def test_without_progress_it_ends_when_patience_does_and_keeps_how_far_it_came() -> None:
    files, clock = Files(300), Clock()
    with pytest.raises(ImportStalledError, match="the connection was lost"):
        bring_in(files, well, lost_after(7), *[lost_after(0)] * 100, clock=clock)

    assert 60 <= clock.now < 80
    assert (files.saved.line, files.saved.accepted, files.saved.receipts_bytes) == (207, 207, 207)
    bring_in(files)
    assert files.receipts == list(range(1, 301))


def test_a_refusal_of_the_whole_ends_it_at_once() -> None:
    def answer(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        raise EndpointRefusedError("the token is not known here")

    files, clock = Files(5), Clock()
    with pytest.raises(EndpointRefusedError):
        bring_in(files, answer, clock=clock)
    assert clock.slept == []
    assert files.saved.line == 0


def test_lines_that_had_no_room_go_again_alone_and_lists_stay_in_order() -> None:
    def some_busy(lines: Sequence[bytes]) -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(lines, 1):
            if number in {2, 5}:
                yield {"line": number, "status": "busy", "retry_after_seconds": 3, "problem": {"detail": "full"}}
            elif number == 7:
                yield {"line": number, "status": "refused", "problem": {"detail": "no"}}
            else:
                yield {"line": number, "status": "accepted", "receipt": line.decode()}

    files, clock = Files(8), Clock()
    sent = bring_in(files, some_busy, clock=clock)

    assert sent[1] == [b"2", b"5"]
    assert (files.receipts, files.refused) == ([1, 2, 3, 4, 5, 6, 8], [7])
    assert clock.slept == [3]


def test_a_portion_is_bounded_in_lines_and_in_bytes_and_a_long_line_goes_alone() -> None:
    big = [ImportLine(number, 0, b"x" * (CHUNK_BYTES // 2)) for number in range(1, 6)]
    small = [ImportLine(number, 0, b"x") for number in range(1, 2 * CHUNK_LINES + 2)]

    assert [len(chunk) for chunk in in_chunks(big)] == [2, 2, 1]
    assert [len(chunk) for chunk in in_chunks(small)] == [CHUNK_LINES, CHUNK_LINES, 1]
    assert list(in_chunks([])) == []


def test_while_the_first_is_on_its_way_the_others_are_not_asked_for() -> None:
    asked: Counter[str] = Counter()
    clock = Clock()

    def find(receipt: str) -> Mapping[str, Any]:
        asked[receipt] += 1
        return {"status": "live" if receipt != "1" or asked["1"] > 5 else "accepted"}

    ends = Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None).run((each, str(each)) for each in range(1, 251))

    assert ends.by_outcome == {"live": 250}
    assert asked.pop("1") == 6
    assert set(asked.values()) == {1}


def test_asking_takes_no_more_than_a_tenth_of_the_time() -> None:
    clock, asked = Clock(), Counter[str]()

    def find(receipt: str) -> Mapping[str, Any]:
        asked[receipt] += 1
        clock.now += 0.5  # the store is busy with what is waited for
        return {"status": "live" if receipt == "1" or asked[receipt] == 4 else "accepted"}

    Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None, threads=1).run(
        (each, str(each)) for each in range(1, 4)
    )

    looked_at_two, looked_at_one, on_its_way = 9 * 1.0, 9 * 0.5, 0.5
    assert clock.slept == [looked_at_two, on_its_way, on_its_way, looked_at_one, on_its_way]


def test_an_endpoint_that_is_away_while_one_waits_is_waited_for() -> None:
    clock, asked = Clock(), []

    def find(receipt: str) -> Mapping[str, Any]:
        asked.append(receipt)
        if len(asked) < 4:
            raise EndpointUnavailableError("away")
        return {"status": "scheduled"}

    ends = Watch(find, lambda *_: 0, clock.waiting(), lambda *_: None).run([(1, "a")])

    assert (ends.by_outcome, len(asked)) == ({"scheduled": 1}, 4)
