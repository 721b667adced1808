"""`pressline import ndjson` against the real endpoint, over a real socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from services.desk import wiring
from services.desk.__main__ import app as commands
from services.desk.domain.imports import MAX_CHUNK_LINES
from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError, Fault
from services.ingest.domain.states import ReceiptState
from services.ingest.ports import SubmissionMetadata
from shared.model.lane import Lane
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.receipts import ReceiptStatus
from shared.runtime.tokens import mint
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import BACKLOG_TEXT, NOW, OWN, Newsroom, an_app


class Office(Newsroom):
    """A newsroom with receipts that the test sets; `refuse` may raise for a line's number."""

    def __init__(self) -> None:
        super().__init__(final_status=ReceiptStatus.LIVE)
        self.refuse: Callable[[int], None] = lambda _: None
        self.ends: dict[str, ReceiptStatus] = {}
        self.taken: list[int] = []
        self._lock = Lock()

    def submit(self, raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        number = json.loads(raw)["number"]
        self.refuse(number)
        with self._lock:
            self.taken.append(number)
        return Submitted(receipt=f"receipt-{number}")

    def receipt(self, receipt: str) -> ReceiptState | None:
        end = self.ends.get(receipt, ReceiptStatus.LIVE)
        faults = (Fault("/section", "is not a section"),) if end is ReceiptStatus.REFUSED else ()
        return ReceiptState(receipt=receipt, site="epn", status=end, faults=faults)


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def api_url(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    storage = MemoryObjectStorage()
    token = mint(storage, name="desk", scopes=["publish", "read"], sites=["epn"], now=NOW)
    app = an_app(office, storage, retry_after_seconds=1)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    monkeypatch.setenv("PRESSLINE_API_URL", url)
    monkeypatch.setenv("PRESSLINE_TOKEN", token)
    wiring.settings.cache_clear()
    yield url
    wiring.settings.cache_clear()
    server.should_exit = True
    thread.join()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return written(tmp_path / "archive.ndjson", range(1, 501))


def a_line(number: int) -> str:
    return json.dumps(OWN | {"source_id": f"a-{number}", "number": number})


def written(path: Path, numbers: range, **replaced: str) -> Path:
    path.write_text("".join(f"{replaced.get(f'line_{each}', a_line(each))}\n" for each in numbers), encoding="utf-8")
    return path


def import_file(path: Path | str, *options: str, text: str | None = None) -> Result:
    return CliRunner().invoke(commands, ["import", "ndjson", str(path), *options], input=text)


def beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.pressline-{what}")


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_is_imported_and_every_line_has_a_receipt(api_url: str, office: Office, archive: Path) -> None:
    result = import_file(archive)

    assert result.exit_code == 0, result.output
    assert "500 lines, 500 accepted, 0 refused" in result.output
    assert sorted(office.taken) == list(range(1, 501))
    receipts = entries(beside(archive, "receipts.ndjson"))
    assert receipts == [{"line": number, "receipt": f"receipt-{number}"} for number in range(1, 501)]
    assert not beside(archive, "refused.ndjson").exists()


def test_imported_lines_are_not_sent_again(api_url: str, office: Office, archive: Path) -> None:
    import_file(archive)
    result = import_file(archive)

    assert result.exit_code == 0
    assert "500 accepted" in result.output
    assert len(office.taken) == 500
    import_file(archive, "--restart")
    assert len(office.taken) == 1_000


def test_a_bad_line_is_listed_with_its_reason_and_affects_no_other(
    api_url: str, office: Office, tmp_path: Path
) -> None:
    path = written(
        tmp_path / "a.ndjson", range(1, 31), line_3="{", line_7="", line_9="[]", line_20='"' + "x" * 20_000 + '"'
    )
    result = import_file(path)

    assert result.exit_code == 1
    assert "30 lines, 26 accepted, 3 refused" in result.output
    assert "line 3: the line is not JSON" in result.output
    assert str(beside(path, "refused.ndjson")) in result.output.replace("\n", "")
    assert [entry["line"] for entry in entries(beside(path, "refused.ndjson"))] == [3, 9, 20]
    assert "line 3: the line is not JSON" in import_file(path).output  # no line is sent again, and the refusals stay
    assert [entry["line"] for entry in entries(beside(path, "receipts.ndjson"))] == [
        number for number in range(1, 31) if number not in {3, 7, 9, 20}
    ]


def test_the_import_waits_while_the_backlog_is_full(api_url: str, office: Office, archive: Path) -> None:
    refused: set[int] = set()

    def refuse(number: int) -> None:
        if number in {150, 151, 400} - refused:
            refused.add(number)
            raise BacklogFullError(BACKLOG_TEXT)

    office.refuse = refuse
    result = import_file(archive)

    assert result.exit_code == 0, result.output
    assert sorted(office.taken) == list(range(1, 501))
    assert [entry["line"] for entry in entries(beside(archive, "receipts.ndjson"))] == list(range(1, 501))


def test_a_refused_request_is_sent_again(api_url: str, office: Office, archive: Path) -> None:
    asked = 0

    def admit(_: Lane) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise BacklogFullError(BACKLOG_TEXT)

    office.admit = admit  # type: ignore[method-assign,assignment]
    wiring.settings.cache_clear()

    assert import_file(archive).exit_code == 0
    assert sorted(office.taken) == list(range(1, 501))


def test_a_stalled_import_prints_the_command_that_continues_it(api_url: str, office: Office, archive: Path) -> None:
    def refuse(number: int) -> None:
        if number > 250:
            raise StorageUnavailableError

    office.refuse = refuse
    stopped = import_file(archive, "--patience", "0")

    assert stopped.exit_code == 1
    assert "the store does not answer" in stopped.output
    assert f"pressline import ndjson {archive}" in stopped.output.replace("\n", "")
    assert "250 lines are done" in stopped.output

    office.refuse = lambda _: None
    result = import_file(archive)

    assert result.exit_code == 0
    assert "500 lines, 500 accepted" in result.output
    assert sorted(office.taken) == list(range(1, 501))
    assert [entry["line"] for entry in entries(beside(archive, "receipts.ndjson"))] == list(range(1, 501))


def test_ctrl_c_prints_the_command_that_continues_and_no_line_is_lost(
    api_url: str, office: Office, archive: Path
) -> None:
    has_stopped, may_continue = Event(), Event()

    def refuse(number: int) -> None:
        if number == 230:
            has_stopped.set()
            assert may_continue.wait(30)

    office.refuse = refuse
    command = [sys.executable, "-m", "services.desk", "import", "ndjson", str(archive)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background it would be ignored
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    signal.signal(signal.SIGINT, before)
    assert has_stopped.wait(30)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    may_continue.set()

    assert running.returncode == 1
    assert "Continue with:" in errors
    assert "Traceback" not in errors
    assert import_file(archive).exit_code == 0
    assert set(office.taken) == set(range(1, 501))
    assert len(office.taken) <= 500 + MAX_CHUNK_LINES  # unanswered lines are sent twice
    assert [entry["line"] for entry in entries(beside(archive, "receipts.ndjson"))] == list(range(1, 501))


@pytest.mark.parametrize("change", ["longer", "other"])
def test_a_changed_file_is_not_continued(api_url: str, office: Office, archive: Path, change: str) -> None:
    office.refuse = lambda _: (_ for _ in ()).throw(StorageUnavailableError())
    import_file(archive, "--patience", "0")
    text = archive.read_text(encoding="utf-8")
    archive.write_text(text + a_line(501) if change == "longer" else text.replace("Bridge", "Bridgf"), encoding="utf-8")
    office.refuse = lambda _: None
    result = import_file(archive)

    assert result.exit_code == 1
    assert "--restart" in result.output
    assert office.taken == []
    assert import_file(archive, "--restart").exit_code == 0


def test_the_progress_file_may_be_in_another_folder(
    api_url: str, office: Office, archive: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "kept"
    elsewhere.mkdir()

    assert import_file(archive, "--state", str(elsewhere / "a")).exit_code == 0
    assert sorted(path.name for path in elsewhere.iterdir()) == ["a", "archive.ndjson.pressline-receipts.ndjson"]
    assert [path.name for path in archive.parent.iterdir() if path.is_file()] == ["archive.ndjson"]


def test_another_site_is_another_import(api_url: str, office: Office, archive: Path) -> None:
    import_file(archive)
    result = import_file(archive, "--site", "epn")

    assert result.exit_code == 1
    assert "--restart" in result.output
    assert import_file(archive, "--site", "other", "--restart").exit_code == 1
    assert len(office.taken) == 500


def test_standard_input_is_read_once(
    api_url: str, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = import_file("-", text=f"{a_line(1)}\n{a_line(2)}\nno\n")

    assert result.exit_code == 1
    assert "3 lines, 2 accepted, 1 refused" in result.output
    assert sorted(office.taken) == [1, 2]
    assert not (tmp_path / "stdin.pressline-import").exists()


def test_with_wait_the_final_statuses_are_counted_and_failures_listed(
    api_url: str, office: Office, archive: Path
) -> None:
    office.ends = {
        "receipt-3": ReceiptStatus.REFUSED,
        "receipt-4": ReceiptStatus.DUPLICATE,
        "receipt-5": ReceiptStatus.FAILED,
    }
    result = import_file(archive, "--wait")

    assert result.exit_code == 1
    assert "497 live" in result.output
    assert "line 5: failed" in result.output
    assert "line 3: /section is not a section" in result.output
    assert [entry["line"] for entry in entries(beside(archive, "refused.ndjson"))] == [3, 5]
    again = import_file(archive, "--wait")
    assert again.exit_code == 1
    assert [entry["line"] for entry in entries(beside(archive, "refused.ndjson"))] == [3, 5]
    assert len(office.taken) == 500


def test_with_wait_the_command_stops_after_patience_without_progress(
    api_url: str, office: Office, archive: Path
) -> None:
    office.ends = {"receipt-3": ReceiptStatus.RENDERED}
    result = import_file(archive, "--wait", "--patience", "0")

    assert result.exit_code == 1
    assert "line 3 is still being processed" in result.output


def test_a_missing_file_is_reported(api_url: str, tmp_path: Path) -> None:
    result = import_file(tmp_path / "nothing.ndjson")

    assert result.exit_code == 1
    assert "cannot be read" in result.output
    assert list(tmp_path.iterdir()) == []


_POST = """<item><title>Post {n}</title><guid>https://courier.example/?p={n}</guid><content:encoded>Text.</content:encoded>
<wp:post_id>{n}</wp:post_id><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>"""
_EXPORT = """<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Courier</title>{items}</channel></rss>"""


class ExportOffice(Office):
    """A newsroom that reads documents of WordPress."""

    def submit(self, raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        number = int(raw.split(b"<wp:post_id>")[1].split(b"<")[0])
        self.refuse(number)
        assert raw.startswith(b"<rss ")
        with self._lock:
            self.taken.append(number)
        return Submitted(receipt=f"receipt-{number}")


class TestExports:
    """`pressline import wxr`, which sends one document a line."""

    @pytest.fixture
    def office(self) -> Office:
        return ExportOffice()

    @pytest.fixture
    def export(self, tmp_path: Path) -> Path:
        path = tmp_path / "export.xml"
        items = "".join(_POST.format(n=number) for number in range(1, 451))
        path.write_text(_EXPORT.format(items=items), encoding="utf-8")
        return path

    def test_each_item_is_sent_as_a_document(self, api_url: str, office: Office, export: Path) -> None:
        result = CliRunner().invoke(commands, ["import", "wxr", str(export)])

        assert result.exit_code == 0, result.output
        assert "450 items, 450 accepted, 0 refused" in result.output
        assert sorted(office.taken) == list(range(1, 451))

    def test_a_stopped_import_continues_and_no_item_is_lost(self, api_url: str, office: Office, export: Path) -> None:
        def refuse(number: int) -> None:
            if number > 250:
                raise StorageUnavailableError

        office.refuse = refuse
        stopped = CliRunner().invoke(commands, ["import", "wxr", str(export), "--patience", "0"])
        office.refuse = lambda _: None
        result = CliRunner().invoke(commands, ["import", "wxr", str(export)])

        assert "250 items are done" in stopped.output
        assert f"pressline import wxr {export}" in stopped.output.replace("\n", "")
        assert "450 items, 450 accepted" in result.output
        assert sorted(office.taken) == list(range(1, 451))

    def test_standard_input_is_refused(self, api_url: str) -> None:
        result = CliRunner().invoke(commands, ["import", "wxr", "-"])

        assert result.exit_code == 1
        assert "name a file" in result.output
