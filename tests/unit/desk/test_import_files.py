from __future__ import annotations

from pathlib import Path

from services.desk.adapters.import_files import StoredImportFiles


def test_a_run_that_ends_beside_another_does_not_break_it(tmp_path: Path) -> None:
    archive = tmp_path / "archive.ndjson"
    archive.write_bytes(b"{}\n")
    ended, goes_on = StoredImportFiles(str(archive), None), StoredImportFiles(str(archive), None)
    ended.begin(site=None, restart=False)
    goes_on.begin(site=None, restart=False)

    ended.close()  # nothing was refused: its empty list is cleared away

    assert list(goes_on.refused()) == []
    goes_on.close()
