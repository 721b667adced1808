from __future__ import annotations

import time

import pytest

from infra.local.edge.esi import Include, parts_of
from services.publish.domain.read_back import is_same_page
from services.publish.settings import PublishSettings

PAGE = (
    b'<html><body><h1>Ferry</h1><div><!--esi <esi:include src="/_rail/latest.html" onerror="continue"/> --></div>'
    b'<p>Words.</p><esi:include src="/b"/><esi:remove><p>without ESI</p></esi:remove></body></html>'
)


def served_by_an_edge(page: bytes, fragment: bytes) -> bytes:
    return b"".join(fragment if isinstance(part, Include) else part for part in parts_of(page))


@pytest.mark.parametrize("fragment", [b"", b"<ul><li>Latest</li></ul>", b"</body></html>", b"<p>Words.</p>"])
def test_a_page_whose_includes_the_edge_replaced_is_the_same(fragment: bytes) -> None:
    assert is_same_page(served_by_an_edge(PAGE, fragment), PAGE)


def test_a_page_that_the_edge_serves_as_it_is_is_the_same() -> None:
    assert is_same_page(PAGE, PAGE)
    assert is_same_page(b"plain", b"plain")


@pytest.mark.parametrize(
    "served",
    [
        b"",
        PAGE.replace(b"Ferry", b"Fairy"),
        PAGE.replace(b"Words.", b"Older words."),
        PAGE.replace(b"<html>", b"<html lang='en'>"),
        PAGE + b"<!-- added -->",
        PAGE[: PAGE.index(b"<p>Words")],
    ],
)
def test_a_page_with_other_bytes_of_its_own_is_another(served: bytes) -> None:
    assert not is_same_page(served_by_an_edge(served, b"x"), PAGE)
    assert not is_same_page(b"plain text", b"plain")


def test_overlapping_ends_are_no_match() -> None:
    assert not is_same_page(b"abc", b"abc<!--esi x -->bc")


def test_a_comparison_takes_linear_time() -> None:
    hostile = b"<!--esi" * 20_000 + b"<esi:remove>" * 20_000 + b"<esi:x " * 20_000
    begun = time.perf_counter()

    is_same_page(hostile + b"x", hostile)

    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("edge", "read_back", "reads"),
    [("varnish", "auto", True), ("none", "auto", False), ("varnish", "off", False), ("none", "on", True)],
)
def test_pages_are_read_back_from_varnish_unless_the_setting_says_otherwise(
    edge: str,
    read_back: str,
    reads: bool,  # noqa: FBT001 -- a table
) -> None:
    assert PublishSettings(edge=edge, read_back=read_back, _env_file=None).reads_back is reads
