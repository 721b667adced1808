"""CloudFront: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from services.publish.adapters.vendor import Pause, VendorEdge, chunked
from shared.runtime.deadline import peer_call
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError
from shared.site import keys

if TYPE_CHECKING:
    from services.publish.settings import PublishSettings

_MAX_PATHS_PER_REQUEST = 3_000
"""CloudFront's limit of paths and tags in progress (…/InvalidationLimits.html). We use no wildcards (limit: 15)."""
_PATH_KEY_PREFIX = keys.path_surrogate_key("")[:-1]
_RETRYABLE_CODES = frozenset(
    ("TooManyInvalidationsInProgress", "Throttling", "ThrottlingException", "RequestLimitExceeded")
)


class Invalidations(Protocol):
    """The one call of boto3's client that this adapter makes."""

    def create_invalidation(self, *, DistributionId: str, InvalidationBatch: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 -- AWS's names
        """Begin an invalidation; the same CallerReference and paths name the same invalidation."""
        ...


class CloudFrontEdgeCache(VendorEdge):
    """Invalidates the paths that a purge names; invalidates its other keys as cache tags if it names no path.

    All of our purges name their paths. AWS bills each path and tag, and counts each against the limit of items in
    progress. Tags need a distribution with a CacheTagConfig (infra/edge/README.md). CloudFront has no soft purge.
    CloudFront confirms an invalidation when it begins; the invalidation ends seconds later.
    """

    def __init__(
        self,
        client: Invalidations,
        distribution: str,
        *,
        timeout_seconds: float,
        new_reference: Callable[[], str],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Use `new_reference` for a new CallerReference per purge: a page may return to earlier bytes."""
        super().__init__(timeout_seconds)
        self._client, self._distribution = client, distribution
        self._new_reference = new_reference
        self._pause = Pause("CloudFront", clock)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:  # noqa: ARG002 -- no soft purge
        """Purge the paths that the keys name; if they name none, purge the responses that carry the keys."""
        for items in chunked(invalidation_items(surrogate_keys), _MAX_PATHS_PER_REQUEST):
            self._pause.check()
            self._invalidate(items)

    def _invalidate(self, items: list[str]) -> None:
        batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": self._new_reference()}
        try:
            with peer_call():
                self._client.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
        except ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            message = f"CloudFront answered an invalidation: {status} {error}"
            if code in _RETRYABLE_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pause.begin()
                raise EdgeUnavailableError(message) from error
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise EdgeUnavailableError(message) from error
            raise EdgeRefusedError(message) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise EdgeRefusedError(f"CloudFront: {error}") from error
        except BotoCoreError as error:
            raise EdgeUnavailableError(f"CloudFront did not answer an invalidation: {error}") from error


def invalidation_items(surrogate_keys: Sequence[str]) -> list[str]:
    """Return an invalidation's items for our keys: paths (percent-encoded, as AWS asks), or tags (`#` and the tag).

    A folder's index document is an item too. AWS advises to name both if a function rewrites the address
    (…/invalidation-specifying-objects.html). Tags: …/invalidation-specifying-tags.html.
    """
    paths = [key.removeprefix(_PATH_KEY_PREFIX) for key in surrogate_keys if key.startswith(_PATH_KEY_PREFIX)]
    if not paths:
        return [f"#{key}" for key in surrogate_keys]
    return [*paths, *(f"{path}{keys.INDEX_DOCUMENT}" for path in paths if path.endswith("/"))]


def cloudfront_client(settings: PublishSettings, endpoint_url: str | None = None) -> Invalidations:
    """Return a client that tries each call twice; the CallerReference makes the second try harmless.

    Its credentials are the store's if the store is AWS's; otherwise boto3 finds them (a role, a profile).
    """
    import boto3  # noqa: PLC0415 -- 13 MB that other edges do not need
    from botocore.config import Config  # noqa: PLC0415

    is_aws = settings.s3_endpoint is None
    secret = settings.s3_secret_key if is_aws else None
    client = boto3.client(
        "cloudfront",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=settings.s3_access_key if is_aws else None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=settings.purge_timeout_seconds,
            read_timeout=settings.purge_timeout_seconds,
            retries={"total_max_attempts": 2},
        ),
    )
    return cast("Invalidations", client)
