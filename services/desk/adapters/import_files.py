"""The imported file, and three files beside it: progress, receipts and refusals."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from services.desk.domain.imports import MAX_LINE_BYTES, FileFingerprint, ImportLine, ImportState
from services.desk.ports import ImportFileError

_HEAD_BYTES = 64 * 1024
STDIN = "-"


class StoredImportFiles:
    """The files of one import. An import of standard input has no progress file, because it cannot be read again."""

    def __init__(
        self,
        source: str,
        state_path: Path | None,
        *,
        kind: str = "ndjson",
        split: Callable[[Path], Iterator[ImportLine]] | None = None,
    ) -> None:
        self.is_stdin = source == STDIN
        self._kind, self._split = kind, split
        self.path = Path("stdin" if self.is_stdin else source)
        self.state_path = state_path or self.path.with_name(f"{self.path.name}.pressline-import")
        self.receipts_path = self.state_path.with_name(f"{self.path.name}.pressline-receipts.ndjson")
        self.refused_path = self.state_path.with_name(f"{self.path.name}.pressline-refused.ndjson")
        self._lists: dict[Path, IO[bytes]] = {}

    def begin(self, *, site: str | None, restart: bool, feed: str | None = None) -> ImportState:
        """Return the progress of the import; truncate both lists to that progress.

        Raises:
            ImportFileError: the file has changed since the import began, or cannot be read.
        """
        if self.is_stdin and self._split:
            raise ImportFileError("standard input cannot be read twice; name a file")
        fingerprint = None if self.is_stdin else _fingerprint_of(self.path)
        state = None if restart or self.is_stdin else self._find_state()
        if state is None:
            state = ImportState(file=fingerprint, kind=self._kind, site=site, feed=feed)
        elif state.file != fingerprint:
            raise ImportFileError(f"{self.path} has changed since its import began; use --restart to start over")
        else:
            self._check_options(state, {"--site": (state.site, site), "--feed": (state.feed, feed)})
        for path, size_bytes in ((self.receipts_path, state.receipts_bytes), (self.refused_path, state.refused_bytes)):
            self._lists[path] = _open_list(path, size_bytes)
        self.save(state)
        return state

    def _check_options(self, state: ImportState, options: Mapping[str, tuple[str | None, str | None]]) -> None:
        began = [f"as {state.kind}"] if state.kind != self._kind else []
        for name, (before, now) in options.items():
            if before != now:
                began.append(f"with {name} {before}" if before else f"without {name}")
        if began:
            raise ImportFileError(
                f"the import of {self.path} began {', '.join(began)}; use the same option, or --restart to start over"
            )

    def lines(self, state: ImportState) -> Iterator[ImportLine]:
        """Yield the lines, or the items of an export, after those that the state counts."""
        if self._split is not None:
            yield from (line for line in self._split(self.path) if line.number > state.line)
            return
        number, offset = state.line, state.offset
        with sys.stdin.buffer if self.is_stdin else self.path.open("rb") as stream:
            if offset:
                stream.seek(offset)
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number, offset = number + 1, offset + len(raw)
                is_too_long = len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n")
                while is_too_long and not raw.endswith(b"\n") and (raw := stream.readline(MAX_LINE_BYTES)):
                    offset += len(raw)
                yield ImportLine(number, offset, None if is_too_long else raw.strip())

    def note_receipt(self, line: int, receipt: str) -> int:
        """Append to the list of receipts; return its size in bytes."""
        return self._append_entry(self.receipts_path, {"line": line, "receipt": receipt})

    def note_refused(self, line: int, reason: str, receipt: str | None) -> int:
        """Append to the list of refusals; return its size in bytes."""
        entry: dict[str, object] = {"line": line, "reason": reason}
        return self._append_entry(self.refused_path, entry | ({"receipt": receipt} if receipt else {}))

    def receipts(self) -> Iterator[tuple[int, str]]:
        """Yield (line, receipt) of each accepted article."""
        return self._read_list(self.receipts_path, "receipt")

    def refused(self) -> Iterator[tuple[int, str]]:
        """Yield (line, reason) of each refused article: by the endpoint first, then by a worker."""
        return self._read_list(self.refused_path, "reason")

    def save(self, state: ImportState) -> None:
        """Write both lists to disk, then the progress that counts them; a crash leaves the old progress or the new."""
        for entries in self._lists.values():
            entries.flush()
        if not self.is_stdin:
            new_path = self.state_path.with_name(f"{self.state_path.name}.new")
            new_path.write_text(state.model_dump_json(indent=1), encoding="utf-8")
            new_path.replace(self.state_path)

    def close(self) -> None:
        """Close both lists; delete the list of refusals if it is empty."""
        for entries in self._lists.values():
            entries.close()
        if self.refused_path.exists() and not self.refused_path.stat().st_size:
            self.refused_path.unlink()

    def _read_list(self, path: Path, field: str) -> Iterator[tuple[int, str]]:
        self._lists[path].flush()
        if not path.exists():
            return  # another run with the same file has ended and deleted the empty list
        with path.open("rb") as entries:
            for entry in map(json.loads, entries):
                yield entry["line"], entry[field]

    def _append_entry(self, path: Path, entry: dict[str, object]) -> int:
        entries = self._lists[path]
        entries.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        return entries.tell()

    def _find_state(self) -> ImportState | None:
        try:
            return ImportState.model_validate_json(self.state_path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            raise ImportFileError(
                f"{self.state_path} is not a readable progress file; use --restart to start over"
            ) from error


def _open_list(path: Path, size_bytes: int) -> IO[bytes]:
    try:
        path.touch()
        entries = path.open("r+b")
    except OSError as error:
        raise ImportFileError(
            f"{path} cannot be written ({error.strerror}); use --state to name another folder"
        ) from error
    entries.truncate(size_bytes)
    entries.seek(0, os.SEEK_END)
    return entries


def _fingerprint_of(path: Path) -> FileFingerprint:
    try:
        with path.open("rb") as stream:
            file_status, head = os.fstat(stream.fileno()), stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from error
    return FileFingerprint(
        size_bytes=file_status.st_size,
        modified_ns=file_status.st_mtime_ns,
        head_sha256=hashlib.sha256(head).hexdigest(),
    )
