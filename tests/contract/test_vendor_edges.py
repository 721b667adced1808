"""The contract of every vendor's edge, against servers that behave as the vendors' documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from pydantic import SecretStr

from infra.local.ports import free_ports
from services.publish import wiring
from services.publish.adapters.cloudflare import CloudflareEdgeCache
from services.publish.adapters.cloudfront import CloudFrontEdgeCache, cloudfront_client
from services.publish.adapters.fastly import FastlyEdgeCache
from services.publish.ports import EdgeCache
from services.publish.settings import PublishSettings
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError
from shared.site.keys import path_surrogate_key
from shared.site.sites import load_sites
from tests.contract.vendors import IDS, TOKEN, Answer, Vendor, cloudfront_error, serving

LIMITS = {"fastly": 256, "cloudflare": 100, "cloudfront": 3000}
WAIT: dict[str, Answer] = {
    "fastly": (429, {"retry-after": "9"}, b'{"msg":"Rate limit exceeded"}'),
    "cloudflare": (429, {"retry-after": "9"}, b'{"success":false,"errors":[{"code":971,"message":"throttled"}]}'),
    "cloudfront": cloudfront_error(400, "TooManyInvalidationsInProgress", "exceeds the limit"),
}


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Edge:
    """A vendor and our adapter for it."""

    name: str
    vendor: Vendor
    clock: Clock = field(default_factory=Clock)

    def cache(self, *, token: str = TOKEN, identity: str | None = None, url: str | None = None) -> EdgeCache:
        url, name = url or self.vendor.url, identity or IDS[self.name]
        if self.name == "fastly":
            return FastlyEdgeCache(name, token, timeout_seconds=2, api_url=url, clock=self.clock)
        if self.name == "cloudflare":
            return CloudflareEdgeCache(name, token, timeout_seconds=2, api_url=url, clock=self.clock)
        settings = PublishSettings(s3_endpoint=None, s3_access_key=token, s3_secret_key=SecretStr("secret"))
        client, numbers = cloudfront_client(settings, url), count()
        return CloudFrontEdgeCache(
            client, name, timeout_seconds=2, new_reference=lambda: f"reference-{next(numbers)}", clock=self.clock
        )

    def path_keys(self, *paths: str) -> list[str]:
        """Return the keys of paths."""
        return [f"path:{path}" for path in paths]


@pytest.fixture(params=sorted(LIMITS))
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    with serving(request.param) as vendor:
        yield Edge(request.param, vendor)


@pytest.fixture
def cache(edge: Edge) -> Iterator[EdgeCache]:
    new_cache = edge.cache()
    yield new_cache
    new_cache.close()


# --- every vendor ---


def test_a_purge_reaches_the_vendor(edge: Edge, cache: EdgeCache) -> None:
    cache.purge(["article:abc", "path:/world/x/"])

    expected = ["/world/x/", "/world/x/index.html"] if edge.name == "cloudfront" else ["article:abc", "path:/world/x/"]
    assert edge.vendor.purged == [expected]


def test_many_keys_need_as_few_requests_as_the_vendor_allows(edge: Edge, cache: EdgeCache) -> None:
    limit = LIMITS[edge.name]

    cache.purge(edge.path_keys(*(f"/x/{number}.jpg" for number in range(limit + 1))))

    assert [len(piece) for piece in edge.vendor.purged] == [limit, 1]
    assert len(set(edge.vendor.keys)) == limit + 1


def test_a_repeated_key_is_sent_once(edge: Edge, cache: EdgeCache) -> None:
    cache.purge(edge.path_keys("/a.css", "/b.css", "/a.css"))

    assert [len(piece) for piece in edge.vendor.purged] == [2]


def test_an_empty_purge_sends_no_request(edge: Edge, cache: EdgeCache) -> None:
    cache.purge([])

    assert edge.vendor.requests == []


def test_no_call_is_made_during_a_wait_that_the_vendor_asked_for(edge: Edge, cache: EdgeCache) -> None:
    edge.vendor.answers.append(WAIT[edge.name])
    for _ in range(3):
        with pytest.raises(EdgeUnavailableError):
            cache.purge(edge.path_keys("/a.css"))
    assert len(edge.vendor.requests) == 1

    edge.clock.now += 10
    cache.purge(edge.path_keys("/a.css"))

    assert len(edge.vendor.purged) == 1


def test_a_vendors_server_error_is_retryable(edge: Edge, cache: EdgeCache) -> None:
    edge.vendor.answers += [(503, {}, b"<html>no JSON, no XML</html>")] * 2  # boto3 itself makes a second attempt

    with pytest.raises(EdgeUnavailableError, match="503"):
        cache.purge(edge.path_keys("/a.css"))

    edge.vendor.answers.clear()
    cache.purge(edge.path_keys("/a.css"))
    assert len(edge.vendor.purged) == 1


def test_an_unreachable_vendor_is_an_outage(edge: Edge) -> None:
    gone = edge.cache(url=f"http://127.0.0.1:{free_ports(1)[0]}")

    with pytest.raises(EdgeUnavailableError):
        gone.purge(edge.path_keys("/a.css"))
    gone.close()


def test_a_wrong_token_is_a_refusal_and_never_in_its_text(edge: Edge) -> None:
    wrong = edge.cache(token="open-barley")

    with pytest.raises(EdgeRefusedError) as refusal:
        wrong.purge(edge.path_keys("/a.css"))
    wrong.close()

    assert "open-barley" not in str(refusal.value)
    assert edge.vendor.purged == []


def test_an_unknown_service_is_a_refusal(edge: Edge) -> None:
    wrong = edge.cache(identity="EANOTHER1")

    with pytest.raises(EdgeRefusedError):
        wrong.purge(edge.path_keys("/a.css"))
    wrong.close()


def test_a_status_is_requested_at_the_public_address_as_a_reader_does(edge: Edge, cache: EdgeCache) -> None:
    assert cache.find_status(f"{edge.vendor.url}/world/x/") == 410

    asked = edge.vendor.requests[-1]
    assert asked[":path"] == "/world/x/"
    assert not asked.keys() & {"cache-control", "pragma", "fastly-key", "authorization"}


def test_an_address_in_another_script_is_requested_unchanged(edge: Edge, cache: EdgeCache) -> None:
    cache.find_status(f"{edge.vendor.url}/topics/%E4%B8%AD/")

    assert edge.vendor.requests[-1][":path"] == "/topics/%E4%B8%AD/"


def test_a_path_in_another_script_is_purged_unchanged(edge: Edge, cache: EdgeCache) -> None:
    cache.purge([path_surrogate_key("topics/中/index.html")])

    assert any("/topics/%E4%B8%AD/" in key for key in edge.vendor.keys)
    assert "".join(edge.vendor.keys).isascii()
    assert "%25" not in "".join(edge.vendor.keys)


def test_an_address_without_an_answer_is_an_outage(cache: EdgeCache) -> None:
    with pytest.raises(EdgeUnavailableError):
        cache.find_status(f"http://127.0.0.1:{free_ports(1)[0]}/world/x/")


# --- single vendors ---


@pytest.fixture
def fastly() -> Iterator[Edge]:
    with serving("fastly") as vendor:
        yield Edge("fastly", vendor)


@pytest.fixture
def cloudflare() -> Iterator[Edge]:
    with serving("cloudflare") as vendor:
        yield Edge("cloudflare", vendor)


@pytest.fixture
def cloudfront() -> Iterator[Edge]:
    with serving("cloudfront") as vendor:
        yield Edge("cloudfront", vendor)


def test_fastly_purges_softly_only_if_asked(fastly: Edge) -> None:
    cache = fastly.cache()

    cache.purge(["listing:home"], soft=True)
    cache.purge(["article:abc"])
    cache.close()

    assert [headers.get("fastly-soft-purge") for headers in fastly.vendor.requests] == ["1", None]


def test_a_key_that_fastly_does_not_confirm_is_not_purged(fastly: Edge) -> None:
    fastly.vendor.answers.append((200, {}, b'{"listing:home": "1-2-3"}'))
    cache = fastly.cache()

    with pytest.raises(EdgeUnavailableError, match="article:abc"):
        cache.purge(["listing:home", "article:abc"])
    cache.close()


def test_a_cloudflare_answer_without_success_is_not_a_purge(cloudflare: Edge) -> None:
    cloudflare.vendor.answers.append((200, {}, b'{"success": false, "errors": [{"code": 1, "message": "no"}]}'))
    cache = cloudflare.cache()

    with pytest.raises(EdgeUnavailableError):
        cache.purge(["listing:home"])
    cache.close()


def test_cloudfront_gets_tags_if_no_key_names_a_path(cloudfront: Edge) -> None:
    cache = cloudfront.cache()

    cache.purge(["article:abc", "listing:home"])
    cache.close()

    assert cloudfront.vendor.purged == [["#article:abc", "#listing:home"]]


def test_a_page_that_is_purged_again_is_another_invalidation_to_cloudfront(cloudfront: Edge) -> None:
    cache = cloudfront.cache()

    cache.purge(["path:/"])
    cache.purge(["path:/"])
    cache.close()

    assert len(set(cloudfront.vendor.references)) == 2


def test_a_call_that_boto3_repeats_is_one_invalidation_to_cloudfront(cloudfront: Edge) -> None:
    cloudfront.vendor.answers.append((500, {}, b""))
    cache = cloudfront.cache()

    cache.purge(["path:/"])
    cache.close()

    assert len(cloudfront.vendor.requests) == 2
    assert cloudfront.vendor.references == ["reference-0"]


def test_cloudfront_gets_no_more_items_than_may_be_in_progress(cloudfront: Edge) -> None:
    cloudfront.vendor.in_progress = 2_999
    cache = cloudfront.cache()

    with pytest.raises(EdgeUnavailableError, match="TooManyInvalidationsInProgress"):
        cache.purge(["path:/"])  # the folder and its index document
    cache.close()


# --- settings ---


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"edge": "fastly", "purge_token": "x"}, "PRESSLINE_EDGE_ID has to be the service's id"),
        ({"edge": "fastly", "edge_id": "../purge_all", "purge_token": "x"}, "PRESSLINE_EDGE_ID"),
        ({"edge": "fastly", "edge_id": IDS["fastly"]}, "PRESSLINE_PURGE_TOKEN has to be an API token"),
        ({"edge": "cloudflare", "edge_id": "example.com", "purge_token": "x"}, "the zone's id, 32 hexadecimal digits"),
        ({"edge": "cloudflare", "edge_id": IDS["cloudflare"], "purge_token": ""}, "PRESSLINE_PURGE_TOKEN"),
        ({"edge": "cloudfront"}, "the distribution's id"),
        ({"edge": "akamai"}, "'varnish', 'fastly', 'cloudflare', 'cloudfront' or 'none'"),
    ],
)
def test_an_edge_without_valid_settings_stops_the_worker_at_its_start(values: dict[str, str], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        PublishSettings.model_validate(values)


@pytest.mark.parametrize("name", ["fastly", "cloudflare"])
def test_a_token_that_the_vendor_refuses_stops_the_worker_at_its_start(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = PublishSettings.model_validate({"edge": name, "edge_id": IDS[name], "purge_token": "open-barley"})
    monkeypatch.setattr(wiring, "settings", lambda: settings)
    with serving(name) as vendor:
        monkeypatch.setattr(wiring, "new_edge", lambda _: Edge(name, vendor).cache(token="open-barley"))
        with pytest.raises(SystemExit) as ended:
            wiring.require_edge()

    error_text = capsys.readouterr().err
    assert ended.value.code == 78
    assert error_text.lower().startswith(f"pressline: {name} answered a purge: 40")
    assert "open-barley" not in error_text


def test_an_unavailable_vendor_stops_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"edge": "fastly", "edge_id": IDS["fastly"], "purge_token": TOKEN}
    settings = PublishSettings.model_validate(values)
    monkeypatch.setattr(wiring, "settings", lambda: settings)
    with serving("fastly") as vendor:
        vendor.answers.append((503, {}, b""))
        monkeypatch.setattr(wiring, "new_edge", lambda _: Edge("fastly", vendor).cache())
        wiring.require_edge()

    assert len(vendor.requests) == 1


def test_a_site_may_have_its_own_part_of_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    zone, asked = "0" * 32, list[str]()
    site = next(iter(load_sites(PublishSettings().sites_folder).values()))
    sites = {"a": site, "b": site, "c": site.model_copy(update={"edge_id": zone})}
    monkeypatch.setattr(wiring, "load_sites", lambda *_: sites)
    values = {"edge": "cloudflare", "edge_id": IDS["cloudflare"], "purge_token": "x"}
    monkeypatch.setattr(wiring, "settings", lambda: PublishSettings.model_validate(values))
    with serving("cloudflare") as vendor:

        def new_edge(part: str) -> EdgeCache:
            asked.append(part)
            return Edge("cloudflare", vendor).cache()

        monkeypatch.setattr(wiring, "new_edge", new_edge)
        wiring.require_edge()

    assert asked == [IDS["cloudflare"], zone]


def test_a_site_with_an_invalid_edge_id_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    site = next(iter(load_sites(PublishSettings().sites_folder).values()))
    settings = PublishSettings.model_validate({"edge": "fastly", "edge_id": IDS["fastly"], "purge_token": "x"})

    assert settings.edge_id_of(site) == IDS["fastly"]
    with pytest.raises(ValueError, match=f"edge_id of {site.id} has to be the service's id"):
        settings.edge_id_of(site.model_copy(update={"edge_id": "../purge_all"}))


@pytest.mark.parametrize("name", sorted(IDS))
def test_an_edge_with_valid_settings_is_accepted(name: str) -> None:
    values = {"edge": name, "edge_id": IDS[name], "purge_token": "x"}

    assert PublishSettings.model_validate(values).edge == name
