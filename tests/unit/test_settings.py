"""What a service makes of its environment."""

from __future__ import annotations

import pytest

from services.publish.settings import PublishSettings
from services.render.settings import RenderSettings
from shared.settings import ServiceSettings


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "S3_ENDPOINT", "METRICS_PORT", "CONCURRENCY"):
        monkeypatch.setenv(f"PRESSLINE_{name}", "")

    settings = ServiceSettings(_env_file=None)

    assert settings.redis_url.startswith("redis://")
    assert (settings.s3_endpoint, settings.metrics_port, settings.concurrency) == (None, None, 1)


@pytest.mark.parametrize("kind", [PublishSettings, RenderSettings])
def test_who_waits_for_the_store_handles_two_messages_at_a_time_unless_told_otherwise(
    kind: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRESSLINE_CONCURRENCY", raising=False)
    assert kind(_env_file=None).concurrency == 2

    monkeypatch.setenv("PRESSLINE_CONCURRENCY", "1")
    assert kind(_env_file=None).concurrency == 1
