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

_PATHS_A_REQUEST = 3_000
"""As many may be in progress at once in all, single paths and tags (…/InvalidationLimits.html): of the wildcards, of
which there may be 15, we use none."""
_PATH = keys.path_surrogate_key("")[:-1]
_RETRYABLE_STATUSES = frozenset(
    ("TooManyInvalidationsInProgress", "Throttling", "ThrottlingException", "RequestLimitExceeded")
)


class Invalidations(Protocol):
    """The one call of boto3's client that is made here."""

    def create_invalidation(self, *, DistributionId: str, InvalidationBatch: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 -- AWS's names
        """Begin an invalidation; one with a known CallerReference and the same paths is that one."""
        ...


class CloudFrontEdgeCache(VendorEdge):
    """Invalidates the paths that a purge names; its other keys, as cache tags, only where it names no path.

    All of our purges name the paths that they are about, and each path and tag is billed and counts against what may
    be in progress. Tags need a distribution with a CacheTagConfig (infra/edge/README.md). There is no soft purge.
    An invalidation is confirmed when it has begun; it ends seconds later.
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
        """Take what makes CallerReferences: one a purge, for a page may come back to what it was before."""
        super().__init__(timeout_seconds)
        self._client, self._distribution = client, distribution
        self._new_reference = new_reference
        self._pause = Pause("CloudFront", clock)

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:  # noqa: ARG002 -- there is none
        """Forget what lies at the paths that the keys name, or bears them where they name none."""
        for piece in chunked(items_of(surrogate_keys), _PATHS_A_REQUEST):
            self._pause.check()
            self._invalidate(piece)

    def _invalidate(self, items: list[str]) -> None:
        batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": self._new_reference()}
        try:
            with peer_call():
                self._client.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
        except ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            message = f"CloudFront answered an invalidation: {status} {error}"
            if code in _RETRYABLE_STATUSES or status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pause.begin()
                raise EdgeUnavailableError(message) from error
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise EdgeUnavailableError(message) from error
            raise EdgeRefusedError(message) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise EdgeRefusedError(f"CloudFront: {error}") from error
        except BotoCoreError as error:
            raise EdgeUnavailableError(f"CloudFront did not answer an invalidation: {error}") from error


def items_of(surrogate_keys: Sequence[str]) -> list[str]:
    """Return what an invalidation names for our keys: paths (percent-encoded, as AWS asks), or tags (each after a `#`).

    A folder's index document too: where a function rewrites an address, AWS advises to name both
    (…/invalidation-specifying-objects.html); tags: …/invalidation-specifying-tags.html.
    """
    paths = [key.removeprefix(_PATH) for key in surrogate_keys if key.startswith(_PATH)]
    if not paths:
        return [f"#{key}" for key in surrogate_keys]
    return [*paths, *(f"{path}{keys.INDEX_DOCUMENT}" for path in paths if path.endswith("/"))]


def cloudfront_client(settings: PublishSettings, endpoint_url: str | None = None) -> Invalidations:
    """Return a client that tries a call twice: the CallerReference makes the second one harmless.

    Its credentials are the store's where that is AWS's, else what boto3 finds by itself (a role, a profile).
    """
    import boto3  # noqa: PLC0415 -- 13 MB that other edges do without
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
