"""A reader who follows any link at any moment finds a page: leaves before listings, and the other way round."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import Any

import pytest

from services.scheduler.handler import say_stale_pages
from shared.errors import RetryableError
from tests.functional.conftest import Line

STORY = re.compile(r'href="(/(?:world|sport)/\d{4}/\d\d/\d\d/[^"/]+-[^"/]+/)"')


def dead_links(line: Line) -> dict[str, str]:
    """Return, by page, a link to a story that is not there or was withdrawn."""
    site = {path: (body, status) for path, (body, status) in line.site_bytes().items() if path.endswith(".html")}
    links = {path: STORY.findall(body.decode()) for path, (body, status) in site.items() if status == "200"}
    shown = {f"/{path.removesuffix('index.html')}" for path, (_, status) in site.items() if status in ("200", "301")}
    return {path: link for path, found in links.items() for link in found if link not in shown}


@pytest.mark.parametrize("seed", range(6))
def test_no_page_ever_links_to_a_story_that_is_not_there(line: Line, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    line.tick()
    for number in range(12):
        story: dict[str, Any] = {
            "source_id": f"s{number}",
            "headline": f"Story {number}",
            "section": dice.choice(("world", "sport")),
        }
        line.post(**story, version_created=f"2026-11-01T10:{dice.randrange(60):02d}:00Z")
    going = dice.sample(range(12), 5)
    quiet, looks = 0, 0
    while line.queue or quiet < 8 or going:
        if not line.queue:
            quiet += 1
            if going and quiet > 2:
                gone: dict[str, Any] = {"source_id": f"s{going.pop()}", "status": "withheld", "body": ""}
                line.post(**gone, version_created=f"2026-11-01T11:{quiet:02d}:00Z")
            line.queue.extend(say_stale_pages(line.site, line.clockwork))
            continue
        message = line.queue.pop(dice.randrange(len(line.queue)))
        try:
            line.queue.extend(line.deliver(message))
        except RetryableError:  # a withdrawal waits for the lists; it asks again
            line.now += timedelta(milliseconds=1)
            line.queue.append(message)
            line.queue.extend(say_stale_pages(line.site, line.clockwork))
        looks += 1
        assert dead_links(line) == {}, message

    assert looks > 100
    assert sum(status == "410" for _, status in line.site_bytes().values()) >= 5
