"""A real browser applies the edges' Content-Security-Policy: data in a page is allowed, code is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from infra.local.edge.settings import EdgeSettings
from tests.e2e.test_browser import CHROMIUM, QUIET

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)"),
]

SITE = "http://site.test"
OWN = """<script src="/own.js"></script><link rel="stylesheet" href="/own.css">"""
FILES = {"/own.js": ("text/javascript", "window.own = 1"), "/own.css": ("text/css", "p { color: rgb(1, 2, 3) }")}
DATA = """<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Ferry"}</script>"""


@pytest.fixture
def page() -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.add_init_script(
            "window.blocked = []; document.addEventListener('securitypolicyviolation', "
            "event => window.blocked.push(event.effectiveDirective))"
        )
        yield page
        browser.close()


def show(page: Page, inside: str) -> None:
    """Open a page with the edges' headers."""
    headers = EdgeSettings(_env_file=None).headers

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        kind, body = FILES.get(path, ("text/html", f"<!doctype html><title>x</title><p id=p>x</p>{inside}"))
        route.fulfill(status=200, headers={**headers, "content-type": kind}, body=body)

    page.route("**/*", answer)
    page.goto(f"{SITE}/", wait_until="networkidle")


def test_structured_data_and_the_site_s_own_files_break_nothing(page: Page) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))

    show(page, OWN + DATA)

    assert page.evaluate("window.blocked") == messages == []
    assert page.evaluate("window.own") == 1
    assert page.evaluate("getComputedStyle(document.getElementById('p')).color") == "rgb(1, 2, 3)"
    assert "Ferry" in page.evaluate("document.querySelector('[type=\"application/ld+json\"]').textContent")


@pytest.mark.parametrize(
    ("inside", "directive"),
    [
        ("<script>window.evil = 1</script>", "script-src-elem"),
        ("<img src=data:, onerror='window.evil = 1'>", "script-src-attr"),
        ("<script src='https://elsewhere.test/x.js'></script>", "script-src-elem"),
        ("<style>p { color: red }</style>", "style-src-elem"),
        ("<p style='color: red'>x</p>", "style-src-attr"),
        ("<img src='https://elsewhere.test/pixel.gif'>", "img-src"),
        ("<object data='/own.js'></object>", "object-src"),
        ("<base href='https://elsewhere.test/'>", "base-uri"),
    ],
)
def test_nothing_else_inside_a_page_and_nothing_from_elsewhere_has_a_say(
    page: Page, inside: str, directive: str
) -> None:
    show(page, inside)

    page.wait_for_function("directive => window.blocked.includes(directive)", arg=directive, timeout=10_000)
    assert page.evaluate("window.evil") is None
