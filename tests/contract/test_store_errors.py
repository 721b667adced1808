"""A store's error names the setting, the bucket and the next step, with both clients."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from infra.local.ports import free_ports
from shared.runtime.errors import ObjectMissingError, StorageUnavailableError
from shared.runtime.settings import ServiceSettings
from shared.storage.boto import BotoObjectStorage
from shared.storage.faults import store_fault
from shared.storage.s3 import S3ObjectStorage

Client = type[BotoObjectStorage | S3ObjectStorage]
CLIENTS = [S3ObjectStorage, BotoObjectStorage]


def error_text(client: Client, settings: ServiceSettings) -> str:
    """Return the text of the error of a write."""
    with pytest.raises(StorageUnavailableError) as caught:
        client(settings, settings.content_bucket).put("a/b", b"x")
    return str(caught.value)


@pytest.mark.parametrize("client", CLIENTS)
def test_wrong_keys_and_a_wrong_bucket_name_are_named_with_the_setting(
    client: Client, store_settings: ServiceSettings
) -> None:
    def with_(**wrong: object) -> str:
        return error_text(client, store_settings.model_copy(update=wrong))

    unknown_key = with_(s3_access_key="nobody")
    assert "refuses the keys (InvalidAccessKeyId)" in unknown_key
    assert "PRESSLINE_CONTENT_BUCKET=test-content" in unknown_key
    assert "Correct PRESSLINE_S3_ACCESS_KEY" in unknown_key
    assert "SignatureDoesNotMatch" in with_(s3_secret_key=SecretStr("other"))
    bad_name = with_(content_bucket="bk")
    assert "PRESSLINE_CONTENT_BUCKET=bk" in bad_name
    assert "3 to 63 lower-case letters" in bad_name
    assert "<" not in unknown_key + bad_name  # nothing of the store's XML


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_store_that_does_not_answer_is_named_with_its_endpoint(client: Client, host: str) -> None:
    endpoint = f"http://{host}:{free_ports(1)[0]}"
    settings = ServiceSettings(
        s3_endpoint=endpoint, s3_access_key="k", s3_secret_key=SecretStr("s"), storage_timeout_seconds=1
    )

    text = error_text(client, settings)

    assert f"the store at {endpoint} does not answer" in text
    assert "correct PRESSLINE_S3_ENDPOINT" in text


def test_a_bucket_that_cannot_be_made_is_named(store_settings: ServiceSettings) -> None:
    storage = BotoObjectStorage(store_settings.model_copy(update={"public_bucket": "bk"}), "bk")

    with pytest.raises(StorageUnavailableError, match="PRESSLINE_PUBLIC_BUCKET=bk"):
        storage.ensure_bucket()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_listing_of_a_missing_bucket_names_setting_and_next_step(
    client: Client, store_settings: ServiceSettings
) -> None:
    settings = store_settings.model_copy(update={"content_bucket": "never-made"})

    with pytest.raises(ObjectMissingError, match=r"PRESSLINE_CONTENT_BUCKET=never-made.*stack prepare"):
        list(client(settings, "never-made").list_keys("a/"))


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("AccessDenied", "to read, write and delete its objects"),
        ("<Error><Code>AccessDenied</Code><Message>time</Message></Error>", "Allow the keys"),
        ("PermanentRedirect", "PRESSLINE_S3_REGION"),
        ("RequestTimeTooSkewed", "Set the clock"),
        ("Unable to locate credentials", "Set PRESSLINE_S3_ACCESS_KEY"),
        ("SlowDown", "cannot serve a call now"),
        ('Could not connect to the endpoint URL: "http://store:14035/"', "does not answer"),
    ],
)
def test_every_code_has_its_next_step(text: str, step: str) -> None:
    fault = store_fault(ServiceSettings(), "pressline-content", text)

    assert step in fault
    assert "PRESSLINE_CONTENT_BUCKET=pressline-content" in fault


def test_an_endpoint_that_is_no_url_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="s3_endpoint"):
        ServiceSettings(s3_endpoint="localhost:8333")
