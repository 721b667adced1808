"""The pages in a real browser: nothing overflows, nothing complains, nothing is asked of a third party."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Newsroom

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAMPLES = Path(__file__).resolve().parents[2] / "infra" / "samples"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(newsroom: Newsroom) -> list[str]:
    """Publish articles of different shape, one with a picture, one from right to left; return their addresses."""
    urls = ["/"]
    for name in ("co-operative-results.json", "maktaba-ala-ajalat.json", "night-ferry.json"):
        article = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
        for stamp in ("version_created", "first_created"):
            article.pop(stamp)  # so that they are the newest, whatever other tests have posted
        if file := article.get("picture", {}).pop("file", None):
            picture = (SAMPLES / file).read_bytes()
            article["picture"]["media"] = newsroom.api.post("/v1/media", content=picture).json()["media"]
        answer = newsroom.post_raw(json.dumps(article).encode(), wait=20)
        assert answer.status_code == 200, answer.text
        urls.append(urlsplit(answer.json()["url"]).path)
    newsroom.wait_for(lambda: urls[-1] in newsroom.read("/").text, "the front page shows the last of them", 20)
    return urls


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_say_nothing_on_the_console_and_ask_no_third_party(
    browser: Browser, newsroom: Newsroom, pages: list[str], width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    for path in pages:
        page.goto(f"{newsroom.stack.edge}{path}", wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.locator("h1").count() == 1, path

    assert complaints == []
    assert [url for url in asked if not url.startswith((newsroom.stack.edge, "data:"))] == []
    context.close()


def test_an_article_is_whole_without_script(browser: Browser, newsroom: Newsroom, pages: list[str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{newsroom.stack.edge}{pages[-1]}")

    assert page.locator("article p").count() > 3
    assert page.locator("figure img").first.is_visible()
    assert page.get_by_text("Latest News").first.is_visible()
    context.close()


def test_arabic_runs_from_right_to_left(browser: Browser, newsroom: Newsroom, pages: list[str]) -> None:
    page = browser.new_page()
    page.goto(f"{newsroom.stack.edge}{pages[2]}")

    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("html").get_attribute("lang") == "ar"
    page.close()


def test_the_menus_button_stays_under_the_finger(browser: Browser, newsroom: Newsroom) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(newsroom.stack.edge)
    button = page.locator(".menu summary")

    shut = button.bounding_box()
    button.click()

    assert page.locator(".menu .sections").is_visible()
    assert button.bounding_box() == shut
    page.close()


def test_an_upright_picture_is_seen_whole_on_a_wide_screen(browser: Browser, newsroom: Newsroom) -> None:
    media = newsroom.store_picture(SAMPLES / "pictures" / "lighthouse.jpg")
    answer = newsroom.post(picture={"media": media, "alt": "A lighthouse"}, wait=20)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(answer.json()["url"])

    box = page.locator(".figure img").bounding_box()
    assert box is not None
    assert box["height"] < 900
    page.close()


def test_the_sections_stand_in_one_line_on_a_tablet(browser: Browser, newsroom: Newsroom) -> None:
    page = browser.new_page(viewport={"width": 768, "height": 1024})
    page.goto(newsroom.stack.edge)

    tops = page.locator(".bar a").evaluate_all("links => links.map(link => link.getBoundingClientRect().top)")
    assert len(tops) > 8
    assert len(set(tops)) == 1
    page.close()


def test_a_wide_tables_caption_is_read_without_scrolling(
    browser: Browser, newsroom: Newsroom, pages: list[str]
) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 900})
    page.goto(f"{newsroom.stack.edge}{pages[1]}")

    box = page.locator(".table-scroll")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert page.locator("caption").evaluate("caption => caption.getBoundingClientRect().right") <= box.evaluate(
        "box => box.getBoundingClientRect().right"
    )
    page.close()


def test_preformatted_lines_fold_so_that_no_reader_has_to_scroll_them(browser: Browser, newsroom: Newsroom) -> None:
    answer = newsroom.post(body=f"<p>Typed:</p><pre>{'on and on ' * 40}{'x' * 400}</pre>", wait=20)
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(answer.json()["url"])

    assert page.locator("pre").evaluate("pre => pre.scrollWidth <= pre.clientWidth")
    page.close()


def test_a_headline_that_runs_against_the_page_is_cut_at_its_own_end_and_stands_at_the_pages_edge(
    browser: Browser, newsroom: Newsroom, pages: list[str]
) -> None:
    page = browser.new_page()
    page.goto(newsroom.stack.edge)

    headline = page.locator(".card__headline:lang(ar)").first
    assert headline.evaluate("it => [getComputedStyle(it).direction, getComputedStyle(it).textAlign]") == [
        "rtl",
        "left",
    ]
    page.close()


def test_a_telephone_fetches_no_picture_that_would_be_a_thumbnail(
    browser: Browser, newsroom: Newsroom, pages: list[str]
) -> None:
    media = newsroom.store_picture(SAMPLES / "pictures" / "kites.jpg")
    answer = newsroom.post(urgency=8, picture={"media": media, "alt": "Kites"})
    newsroom.wait_until_quiet([answer.json()["receipt"]])
    # Newer ones, so that it is neither the lead nor among the seconds.
    newsroom.wait_until_quiet([newsroom.post(urgency=7).json()["receipt"] for _ in range(4)])

    def is_fetched(width: int) -> bool:
        asked: list[str] = []
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(newsroom.stack.edge, wait_until="networkidle")
        assert page.locator(f'.river img[src*="{media}"]').count() == 1
        page.locator(".foot").scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        page.close()
        return any(media in url for url in asked)

    assert is_fetched(1280)
    assert not is_fetched(390)


def test_a_search_gives_days_as_the_pages_write_them(browser: Browser, newsroom: Newsroom, pages: list[str]) -> None:
    newsroom.wait_for(lambda: "ferry" in newsroom.read("/search/recent.json").text, "the ferry can be searched", 20)
    page = browser.new_page()
    page.goto(f"{newsroom.stack.edge}/search/?q=ferry")

    text = page.locator(".search__found .card__time").first.inner_text()
    assert re.fullmatch(r".+ · \d{1,2} [A-Z][a-z]+ \d{4}", text)
    page.close()
