"""The file that is imported, and the three that are kept beside it: how far it has come, receipts, what was refused."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from services.desk.domain.imports import MAX_LINE_BYTES, FileMark, ImportLine, ImportState
from services.desk.ports import ImportFileError

_HEAD_BYTES = 64 * 1024
STDIN = "-"


class StoredImportFiles:
    """One import's files. Standard input has lists too, and no state: it cannot be read again."""

    def __init__(self, source: str, state_path: Path | None) -> None:
        self.is_stdin = source == STDIN
        self.path = Path("stdin" if self.is_stdin else source)
        self.state_path = state_path or self.path.with_name(f"{self.path.name}.pressline-import")
        self.receipts_path = self.state_path.with_name(f"{self.path.name}.pressline-receipts.ndjson")
        self.refused_path = self.state_path.with_name(f"{self.path.name}.pressline-refused.ndjson")
        self._lists: dict[Path, IO[bytes]] = {}

    def begin(self, *, site: str | None, restart: bool) -> ImportState:
        """Return how far the import has come; the lists are cut to what belongs to that.

        Raises:
            ImportFileError: the file is another one than the state is of, or cannot be read.
        """
        mark = None if self.is_stdin else _mark_of(self.path)
        state = None if restart or self.is_stdin else self._find_state()
        if state is None:
            state = ImportState(file=mark, site=site)
        elif state.file != mark:
            raise ImportFileError(f"{self.path} has changed since its import began; --restart begins anew")
        elif state.site != site:
            began = f"for the site {state.site}" if state.site else "without --site"
            raise ImportFileError(
                f"the import of {self.path} was begun {began}: say the same, or begin anew with --restart"
            )
        for path, size_bytes in ((self.receipts_path, state.receipts_bytes), (self.refused_path, state.refused_bytes)):
            self._lists[path] = _opened(path, size_bytes)
        self.save(state)
        return state

    def lines(self, state: ImportState) -> Iterator[ImportLine]:
        """Yield the lines that the state has not come to."""
        number, at = state.line, state.offset
        with sys.stdin.buffer if self.is_stdin else self.path.open("rb") as stream:
            if at:
                stream.seek(at)
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number, at = number + 1, at + len(raw)
                is_too_long = len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n")
                while is_too_long and not raw.endswith(b"\n") and (raw := stream.readline(MAX_LINE_BYTES)):
                    at += len(raw)
                yield ImportLine(number, at, None if is_too_long else raw.strip())

    def note_receipt(self, line: int, receipt: str) -> int:
        """Add to the list of receipts; return its size in bytes."""
        return self._note(self.receipts_path, {"line": line, "receipt": receipt})

    def note_refused(self, line: int, reason: str, receipt: str | None) -> int:
        """Add to the list of what was refused; return its size in bytes."""
        entry: dict[str, object] = {"line": line, "reason": reason}
        return self._note(self.refused_path, entry | ({"receipt": receipt} if receipt else {}))

    def receipts(self) -> Iterator[tuple[int, str]]:
        """Yield (line, receipt) of all that was accepted."""
        return self._noted(self.receipts_path, "receipt")

    def refused(self) -> Iterator[tuple[int, str]]:
        """Yield (line, reason) of all that was refused, by the endpoint and then by a worker."""
        return self._noted(self.refused_path, "reason")

    def save(self, state: ImportState) -> None:
        """Keep how far it has come, after all that it says of the lists; a crash leaves the old state or the new."""
        for entries in self._lists.values():
            entries.flush()
        if not self.is_stdin:
            beside = self.state_path.with_name(f"{self.state_path.name}.new")
            beside.write_text(state.model_dump_json(indent=1), encoding="utf-8")
            beside.replace(self.state_path)

    def close(self) -> None:
        """Close the lists; an empty one of what was refused is not left lying about."""
        for entries in self._lists.values():
            entries.close()
        if self.refused_path.exists() and not self.refused_path.stat().st_size:
            self.refused_path.unlink()

    def _noted(self, path: Path, what: str) -> Iterator[tuple[int, str]]:
        self._lists[path].flush()
        if not path.exists():
            return  # another run beside the same file has ended, and cleared an empty list away
        with path.open("rb") as entries:
            for entry in map(json.loads, entries):
                yield entry["line"], entry[what]

    def _note(self, path: Path, entry: dict[str, object]) -> int:
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
                f"{self.state_path} does not say how far the import has come; --restart begins anew"
            ) from error


def _opened(path: Path, size_bytes: int) -> IO[bytes]:
    try:
        path.touch()
        entries = path.open("r+b")
    except OSError as error:
        raise ImportFileError(
            f"{path} cannot be written ({error.strerror}); --state puts it into another folder"
        ) from error
    entries.truncate(size_bytes)
    entries.seek(0, os.SEEK_END)
    return entries


def _mark_of(path: Path) -> FileMark:
    try:
        with path.open("rb") as stream:
            known, head = os.fstat(stream.fileno()), stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from error
    return FileMark(
        size_bytes=known.st_size, modified_ns=known.st_mtime_ns, head_sha256=hashlib.sha256(head).hexdigest()
    )
