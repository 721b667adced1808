"""A reader who follows every link while news comes in fast never meets one that leads nowhere."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from shared.runtime.settings import ServiceSettings
from shared.site.keys import INDEX_DOCUMENT
from shared.storage.s3 import S3ObjectStorage
from tests.e2e.conftest import Newsroom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LINK = re.compile(r'(?:href|data-more)="(/[^"#?]*)')
STORIES, SECTIONS, SENDERS = 40, ("world", "sport", "business", "culture"), 4
KILLED = 3
STANDING = ("/", "/archive/", "/search/", *(f"/{section}/archive/" for section in SECTIONS))
MAX_SECONDS = 30.0


class Reader:
    """Follows links at the edge, those of the newest stories first; remembers those that led nowhere."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._edge = newsroom.stack.edge
        access = newsroom.stack.s3
        store = ServiceSettings(
            s3_endpoint=access.endpoint,
            s3_access_key=access.access_key,
            s3_secret_key=SecretStr(access.secret_key),
            public_bucket=access.public_bucket,
        )
        self._public = S3ObjectStorage(store, store.public_bucket)
        self.fresh: deque[str] = deque()
        self.dead: list[tuple[str, str]] = []
        self.answers = 0
        self.followed: set[str] = set()
        self.may_stop = threading.Event()

    def read_on(self) -> None:
        """Go through the whole site again and again; once more from the start when all is done."""
        with httpx.Client(base_url=self._edge, timeout=20, trust_env=False, follow_redirects=True) as edge:
            is_last = False
            while not is_last:
                is_last = self.may_stop.is_set()
                self._read_all(edge)

    def _read_all(self, edge: httpx.Client) -> None:
        waiting: deque[tuple[str, str]] = deque([("/", "")])
        met = {"/"}
        while waiting:
            while self.fresh:
                url = self.fresh.popleft()
                met.add(url)
                waiting.appendleft((url, ""))
            link, found_on = waiting.popleft()
            for found in self._links_of(link, found_on, edge):
                if found not in met:
                    met.add(found)
                    # What nobody has followed yet is followed at once.
                    put = waiting.append if found in self.followed else waiting.appendleft
                    put((found, link))

    def _links_of(self, link: str, found_on: str, edge: httpx.Client) -> list[str]:
        answer = edge.get(link)
        self.answers += 1
        self.followed.add(link)
        if answer.status_code == 404 and found_on and self._is_still_there(link, found_on):
            self.dead.append((found_on, link))
        is_page = answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
        return LINK.findall(answer.text) if is_page else []

    def _is_still_there(self, link: str, page: str) -> bool:
        """Tell whether a page leads there still, past all caches; the fragments that it takes in too."""
        path = page.removeprefix("/")
        bodies = [self._public.find(f"{path}{INDEX_DOCUMENT}" if path.endswith("/") or not path else path)]
        bodies.append(self._public.find("_rail/latest.html"))
        return any(link in LINK.findall(body.body.decode()) for body in bodies if body is not None)


def a_story(number: int, run: str) -> dict[str, Any]:
    """Return a story with a topic and an author of its own, and a day that it shares with few."""
    return {
        "source_id": f"{run}-{number}",
        "headline": f"Story {number} of {run}",
        "section": SECTIONS[number % len(SECTIONS)],
        "topics": [{"name": f"Topic {number} {run}"}],
        "authors": [{"name": f"Author {number} {run}"}],
        "version_created": f"2024-0{1 + number % 5}-01T10:{number:02d}:00Z",
    }


def its_fate(number: int, run: str) -> dict[str, Any] | None:
    """Return what becomes of a story: withdrawn, killed, moved to other topics and another section, or nothing."""
    story = a_story(number, run) | {"version_created": f"2025-01-01T{number // 60:02d}:{number % 60:02d}:00Z"}
    if number == KILLED:
        return story | {"status": "canceled", "body": ""}
    match number % 4:
        case 0:
            return story | {"status": "withheld", "body": ""}
        case 1:
            return story | {"headline": f"Mended {number}", "topics": [{"name": f"Topic {number} again {run}"}]}
        case 2:
            return story | {"section": SECTIONS[(number + 1) % len(SECTIONS)], "authors": []}
        case _:
            return None


def test_a_reader_who_follows_every_link_while_news_comes_in_meets_none_that_leads_nowhere(newsroom: Newsroom) -> None:
    newsroom.wait_for(lambda: all(newsroom.read(url).status_code == 200 for url in STANDING), "the site stands")
    reader, run = Reader(newsroom), f"r{uuid4().hex[:6]}"
    until = time.monotonic() + MAX_SECONDS

    def post_story(number: int) -> bool:
        """Post a story, and its correction or removal once it is live; a slow machine posts fewer."""
        if time.monotonic() > until:
            return False
        posted = newsroom.post(wait=20, **a_story(number, run)).json()
        reader.fresh.append(urlsplit(posted["url"]).path)  # as if somebody had passed it on
        fate = its_fate(number, run)
        if fate:
            newsroom.post(**fate).raise_for_status()
        return True

    with ThreadPoolExecutor(SENDERS + 1) as pool:
        reading = pool.submit(reader.read_on)
        try:
            posted = sum(pool.map(post_story, range(STORIES)))
        finally:
            reader.may_stop.set()
        reading.result(timeout=60)

    assert posted > STORIES // 4
    assert len([link for link in reader.followed if "/topics/" in link]) > posted // 2
    assert reader.dead == []
