from __future__ import annotations

from pathlib import Path

from services.desk.adapters.import_files import StoredImportFiles


def test_a_run_that_ends_does_not_break_another_of_the_same_file(tmp_path: Path) -> None:
    archive = tmp_path / "archive.ndjson"
    archive.write_bytes(b"{}\n")
    ended, other = StoredImportFiles(str(archive), None), StoredImportFiles(str(archive), None)
    ended.begin(site=None, restart=False)
    other.begin(site=None, restart=False)

    ended.close()  # nothing was refused, so the empty list is deleted

    assert list(other.refused()) == []
    other.close()
