"""What publishing may expect of every vendor's edge, against servers that answer as the vendors' documentation says."""

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
from tests.contract.vendors import IDS, TOKEN, Answer, Vendor, cloudfront_error, playing

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

    def named(self, *paths: str) -> list[str]:
        """Return the keys of paths."""
        return [f"path:{path}" for path in paths]


@pytest.fixture(params=sorted(LIMITS))
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    with playing(request.param) as vendor:
        yield Edge(request.param, vendor)


@pytest.fixture
def cache(edge: Edge) -> Iterator[EdgeCache]:
    built = edge.cache()
    yield built
    built.close()


# --- every vendor ---


def test_what_is_purged_reaches_the_vendor(edge: Edge, cache: EdgeCache) -> None:
    cache.purge(["article:abc", "path:/world/x/"])

    expected = ["/world/x/", "/world/x/index.html"] if edge.name == "cloudfront" else ["article:abc", "path:/world/x/"]
    assert edge.vendor.purged == [expected]


def test_many_keys_go_in_as_few_requests_as_the_vendor_takes(edge: Edge, cache: EdgeCache) -> None:
    limit = LIMITS[edge.name]

    cache.purge(edge.named(*(f"/x/{number}.jpg" for number in range(limit + 1))))

    assert [len(piece) for piece in edge.vendor.purged] == [limit, 1]
    assert len(set(edge.vendor.keys)) == limit + 1


def test_a_key_named_twice_is_sent_once(edge: Edge, cache: EdgeCache) -> None:
    cache.purge(edge.named("/a.css", "/b.css", "/a.css"))

    assert [len(piece) for piece in edge.vendor.purged] == [2]


def test_nothing_to_purge_costs_no_request(edge: Edge, cache: EdgeCache) -> None:
    cache.purge([])

    assert edge.vendor.requests == []


def test_who_is_asked_to_wait_waits_and_calls_nobody_meanwhile(edge: Edge, cache: EdgeCache) -> None:
    edge.vendor.answers.append(WAIT[edge.name])
    for _ in range(3):
        with pytest.raises(EdgeUnavailableError):
            cache.purge(edge.named("/a.css"))
    assert len(edge.vendor.requests) == 1

    edge.clock.now += 10
    cache.purge(edge.named("/a.css"))

    assert len(edge.vendor.purged) == 1


def test_a_vendor_that_stumbles_is_asked_again_later(edge: Edge, cache: EdgeCache) -> None:
    edge.vendor.answers += [(503, {}, b"<html>no JSON, no XML</html>")] * 2  # boto3 tries by itself once more

    with pytest.raises(EdgeUnavailableError, match="503"):
        cache.purge(edge.named("/a.css"))

    edge.vendor.answers.clear()
    cache.purge(edge.named("/a.css"))
    assert len(edge.vendor.purged) == 1


def test_a_vendor_that_is_not_there_is_an_outage(edge: Edge) -> None:
    gone = edge.cache(url=f"http://127.0.0.1:{free_ports(1)[0]}")

    with pytest.raises(EdgeUnavailableError):
        gone.purge(edge.named("/a.css"))
    gone.close()


def test_a_wrong_token_is_a_refusal_and_is_not_told_to_anyone(edge: Edge) -> None:
    wrong = edge.cache(token="open-barley")

    with pytest.raises(EdgeRefusedError) as refusal:
        wrong.purge(edge.named("/a.css"))
    wrong.close()

    assert "open-barley" not in str(refusal.value)
    assert edge.vendor.purged == []


def test_a_service_that_is_not_there_is_a_refusal(edge: Edge) -> None:
    wrong = edge.cache(identity="EANOTHER1")

    with pytest.raises(EdgeRefusedError):
        wrong.purge(edge.named("/a.css"))
    wrong.close()


def test_a_reader_s_status_is_asked_for_at_the_public_address_as_a_reader_asks(edge: Edge, cache: EdgeCache) -> None:
    assert cache.find_status(f"{edge.vendor.url}/world/x/") == 410

    asked = edge.vendor.requests[-1]
    assert asked[":path"] == "/world/x/"
    assert not asked.keys() & {"cache-control", "pragma", "fastly-key", "authorization"}


def test_an_address_in_another_script_is_asked_for_as_it_is_written(edge: Edge, cache: EdgeCache) -> None:
    cache.find_status(f"{edge.vendor.url}/topics/%E4%B8%AD/")

    assert edge.vendor.requests[-1][":path"] == "/topics/%E4%B8%AD/"


def test_a_path_in_another_script_is_purged_as_it_is_written(edge: Edge, cache: EdgeCache) -> None:
    cache.purge([path_surrogate_key("topics/中/index.html")])

    assert any("/topics/%E4%B8%AD/" in key for key in edge.vendor.keys)
    assert "".join(edge.vendor.keys).isascii()
    assert "%25" not in "".join(edge.vendor.keys)


def test_an_address_at_which_nobody_answers_is_an_outage(cache: EdgeCache) -> None:
    with pytest.raises(EdgeUnavailableError):
        cache.find_status(f"http://127.0.0.1:{free_ports(1)[0]}/world/x/")


# --- each by itself ---


@pytest.fixture
def fastly() -> Iterator[Edge]:
    with playing("fastly") as vendor:
        yield Edge("fastly", vendor)


@pytest.fixture
def cloudflare() -> Iterator[Edge]:
    with playing("cloudflare") as vendor:
        yield Edge("cloudflare", vendor)


@pytest.fixture
def cloudfront() -> Iterator[Edge]:
    with playing("cloudfront") as vendor:
        yield Edge("cloudfront", vendor)


def test_fastly_purges_softly_only_where_asked_to(fastly: Edge) -> None:
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


def test_what_cloudflare_answers_without_success_is_no_purge(cloudflare: Edge) -> None:
    cloudflare.vendor.answers.append((200, {}, b'{"success": false, "errors": [{"code": 1, "message": "no"}]}'))
    cache = cloudflare.cache()

    with pytest.raises(EdgeUnavailableError):
        cache.purge(["listing:home"])
    cache.close()


def test_cloudfront_is_told_tags_where_no_path_is_known(cloudfront: Edge) -> None:
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


def test_cloudfront_takes_no_more_than_may_be_in_progress(cloudfront: Edge) -> None:
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
def test_an_edge_that_could_not_be_told_stops_the_worker_at_its_start(values: dict[str, str], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        PublishSettings.model_validate(values)


@pytest.mark.parametrize("name", ["fastly", "cloudflare"])
def test_a_token_that_the_vendor_refuses_stops_the_worker_at_its_start(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = PublishSettings.model_validate({"edge": name, "edge_id": IDS[name], "purge_token": "open-barley"})
    monkeypatch.setattr(wiring, "settings", lambda: settings)
    with playing(name) as vendor:
        monkeypatch.setattr(wiring, "new_edge", lambda _: Edge(name, vendor).cache(token="open-barley"))
        with pytest.raises(SystemExit) as ended:
            wiring.require_edge()

    said = capsys.readouterr().err
    assert ended.value.code == 78
    assert said.lower().startswith(f"pressline: {name} answered a purge: 40")
    assert "open-barley" not in said


def test_a_vendor_that_is_away_stops_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"edge": "fastly", "edge_id": IDS["fastly"], "purge_token": TOKEN}
    settings = PublishSettings.model_validate(values)
    monkeypatch.setattr(wiring, "settings", lambda: settings)
    with playing("fastly") as vendor:
        vendor.answers.append((503, {}, b""))
        monkeypatch.setattr(wiring, "new_edge", lambda _: Edge("fastly", vendor).cache())
        wiring.require_edge()

    assert len(vendor.requests) == 1


def test_a_site_may_have_a_part_of_the_edge_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    zone, asked = "0" * 32, list[str]()
    site = next(iter(load_sites(PublishSettings().sites_folder).values()))
    sites = {"a": site, "b": site, "c": site.model_copy(update={"edge_id": zone})}
    monkeypatch.setattr(wiring, "load_sites", lambda *_: sites)
    values = {"edge": "cloudflare", "edge_id": IDS["cloudflare"], "purge_token": "x"}
    monkeypatch.setattr(wiring, "settings", lambda: PublishSettings.model_validate(values))
    with playing("cloudflare") as vendor:

        def new_edge(part: str) -> EdgeCache:
            asked.append(part)
            return Edge("cloudflare", vendor).cache()

        monkeypatch.setattr(wiring, "new_edge", new_edge)
        wiring.require_edge()

    assert asked == [IDS["cloudflare"], zone]


def test_a_site_whose_part_of_the_edge_cannot_be_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    site = next(iter(load_sites(PublishSettings().sites_folder).values()))
    settings = PublishSettings.model_validate({"edge": "fastly", "edge_id": IDS["fastly"], "purge_token": "x"})

    assert settings.edge_id_of(site) == IDS["fastly"]
    with pytest.raises(ValueError, match=f"edge_id of {site.id} has to be the service's id"):
        settings.edge_id_of(site.model_copy(update={"edge_id": "../purge_all"}))


@pytest.mark.parametrize("name", sorted(IDS))
def test_an_edge_that_can_be_told_is_taken(name: str) -> None:
    values = {"edge": name, "edge_id": IDS[name], "purge_token": "x"}

    assert PublishSettings.model_validate(values).edge == name
