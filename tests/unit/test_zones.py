"""The time zones of sites and feeds: an unknown one is refused with the name of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.settings import PROJECT
from shared.site.sites import load_sites

KNOWN = (PROJECT / "infra" / "sites" / "epn.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "Europe", "../etc/localtime", ""])
@pytest.mark.parametrize("owner", ["site", "feed"])
def test_an_unknown_zone_is_refused_with_its_file(tmp_path: Path, zone: str, owner: str) -> None:
    lines = [line for line in KNOWN.splitlines() if owner == "feed" or not line.startswith("zone")]
    feed = [] if owner == "site" else ["[[feeds]]", 'id = "x"', 'name = "X"', 'source = "x"', f'zone = "{zone}"']
    own = [f'zone = "{zone}"'] if owner == "site" else []
    (tmp_path / "epn.toml").write_text("\n".join([*own, *lines, *feed]), encoding="utf-8")

    with pytest.raises(ValueError, match=r"epn\.toml"):
        load_sites(tmp_path)
