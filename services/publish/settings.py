"""The settings of the publish workers."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, PositiveFloat, SecretStr, model_validator

from shared.runtime.settings import ServiceSettings
from shared.site.sites import Site

_ID_PATTERNS = {
    "fastly": (re.compile(r"[A-Za-z0-9]{10,64}"), "the service's id, letters and digits"),
    "cloudflare": (re.compile(r"[0-9a-f]{32}"), "the zone's id, 32 hexadecimal digits"),
    "cloudfront": (re.compile(r"E[A-Z0-9]{6,31}"), "the distribution's id, an E and more letters and digits"),
}


class PublishSettings(ServiceSettings):
    """The public bucket and the edge."""

    edge: Literal["varnish", "fastly", "cloudflare", "cloudfront", "none"] = "varnish"  # varnish: the stand-in too
    edge_url: str = "http://127.0.0.1:8081"  # where Varnish accepts purges; the adapters know the vendors' addresses
    edge_id: str | None = None  # Fastly's service, Cloudflare's zone, CloudFront's distribution
    purge_token: SecretStr | None = None  # Varnish's token, if it has one; Fastly's or Cloudflare's API token
    purge_timeout_seconds: PositiveFloat = Field(default=5.0, le=5.0)
    # whether a page is read back from the edge before it is live; auto: from Varnish only, as a CDN may change bytes
    read_back: Literal["auto", "on", "off"] = "auto"

    @property
    def children(self) -> int:
        """Return the number of processes that a worker forks.

        A page of news waits for the store five times: a single child was busy for a quarter of its time, and delayed
        the next pages. A bulk batch makes its calls in parallel in one child.
        """
        return self.concurrency or (1 if self.is_bulk_only else 2)

    @property
    def reads_back(self) -> bool:
        """Return whether a page is read back from the edge before it is live."""
        return self.read_back == "on" or (self.read_back == "auto" and self.edge == "varnish")

    def edge_id_of(self, site: Site) -> str:
        """Return the vendor's id of the service, zone or distribution that serves a site.

        Raises:
            ValueError: the id does not have the vendor's form.
        """
        return self._checked(site.edge_id, f"edge_id of {site.id}") if site.edge_id else self.edge_id or ""

    def _checked(self, name: str, where: str) -> str:
        pattern, description = _ID_PATTERNS.get(self.edge, (None, ""))
        if pattern and not pattern.fullmatch(name):
            raise ValueError(f"PRESSLINE_EDGE is {self.edge}, so {where} has to be {description}")
        return name

    @model_validator(mode="after")
    def _require_edge_settings(self) -> Self:
        self._checked(self.edge_id or "", "PRESSLINE_EDGE_ID")
        if self.edge in ("fastly", "cloudflare") and not (self.purge_token and self.purge_token.get_secret_value()):
            raise ValueError(
                f"PRESSLINE_EDGE is {self.edge}, so PRESSLINE_PURGE_TOKEN has to be an API token that may purge"
            )
        return self
