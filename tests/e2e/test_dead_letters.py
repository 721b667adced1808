"""Dead letters on the command line, as an operator meets them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shared.messaging.messages import ArticleRevision, ArticlesEnriched
from shared.runtime.celery_app import create_app
from shared.runtime.settings import ServiceSettings
from tests.e2e.conftest import Newsroom

pytestmark = pytest.mark.e2e


def the_buried(newsroom: Newsroom) -> str:
    """Have render fail for good at a site that does not exist; return the message's id."""
    app = create_app("desk", ServiceSettings(redis_url=newsroom.stack.redis))
    reached = ArticleRevision(article="a" * 26, revision="01793527320000000-0000000000-000")
    message = ArticlesEnriched(message_id=uuid4(), site="nowhere", articles=(reached,))
    app.emit([message])
    letter = str(message.message_id)
    newsroom.wait_for(lambda: letter[:8] in newsroom.pressline("dead-letters", "list").stdout, "it is put aside")
    return letter


def test_a_letter_is_listed_shown_replayed_and_dropped(newsroom: Newsroom) -> None:
    letter = the_buried(newsroom)

    shown = newsroom.pressline("dead-letters", "show", letter[:8])
    assert "UnknownSiteError" in shown.stdout
    assert '"revision": "01793527320000000-0000000000-000"' in shown.stdout
    assert "Traceback" in shown.stdout

    replayed = newsroom.pressline("dead-letters", "replay", letter)
    assert (replayed.returncode, replayed.stdout) == (0, "1 sent again.\n")
    newsroom.wait_for(lambda: letter[:8] in newsroom.pressline("dead-letters", "list").stdout, "it failed again")

    asked = newsroom.pressline("dead-letters", "drop", letter, answer="n\n")
    assert asked.returncode == 1
    assert letter[:8] in newsroom.pressline("dead-letters", "list", "--service", "render", "--since", "1h").stdout
    assert newsroom.pressline("dead-letters", "drop", letter, "--yes").stdout == "1 dropped.\n"
    assert letter[:8] not in newsroom.pressline("dead-letters", "list").stdout


@pytest.mark.parametrize("command", ["replay", "drop"])
def test_choosing_nothing_is_no_way_to_say_all(newsroom: Newsroom, command: str) -> None:
    refused = newsroom.pressline("dead-letters", command)

    assert refused.returncode == 2
    assert "--all" in refused.stderr


def test_a_replayed_hour_says_how_many_articles_are_on_their_way(newsroom: Newsroom) -> None:
    newsroom.post(wait=20)

    replayed = newsroom.pressline("replay", "--since", "1h", "--source", "e2e")

    assert replayed.returncode == 0, replayed.stderr
    assert "articles between" in replayed.stdout
    assert not replayed.stdout.startswith("epn: 0 ")
