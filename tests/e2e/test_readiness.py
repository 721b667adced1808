"""The endpoint's readiness reports the state of the workers."""

from __future__ import annotations

import os
import signal

import httpx
import pytest

from tests.e2e.conftest import Newsroom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_the_endpoint_is_not_ready_while_a_service_takes_nothing_of_what_waits(newsroom: Newsroom) -> None:
    def readiness() -> httpx.Response:
        return newsroom.api.get("/readyz")

    assert readiness().status_code == 200
    render = newsroom.pid("render")
    os.kill(render, signal.SIGSTOP)  # the process is up; it only takes nothing
    try:
        reply = newsroom.post()
        newsroom.wait_for(lambda: readiness().status_code == 503, "the stall is seen")
        assert "render has taken nothing" in readiness().json()["detail"]
    finally:
        os.kill(render, signal.SIGCONT)
    newsroom.wait_for(lambda: readiness().status_code == 200, "it is ready again")
    receipt = newsroom.stack.api + reply.headers["location"]
    newsroom.wait_for(lambda: newsroom.api.get(receipt).json()["status"] == "live", "the article is live")
