"""The contract of an edge with readers and publishers: the local stand-in, over HTTP, before a real SeaweedFS."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.local.edge.app import Edge
from infra.local.edge.origin import Origin
from infra.local.edge.settings import EdgeSettings
from infra.local.ports import free_ports
from infra.local.processes import Child
from services.publish.adapters.varnish import VarnishEdgeCache
from shared.runtime.settings import ServiceSettings
from shared.site.keys import listing_surrogate_key, path_surrogate_key, url_path
from shared.storage.s3 import S3ObjectStorage

_DEADLINE_SECONDS = 15.0
_YEAR = "max-age=30, s-maxage=31536000"


class Bucket:
    """The public bucket, with objects as the publisher writes them."""

    def __init__(self, settings: ServiceSettings, prefix: str) -> None:
        self._storage = S3ObjectStorage(settings, settings.public_bucket)
        self.prefix = prefix

    def put(self, path: str, body: str, *, keys: str = "", cache_control: str = _YEAR, **metadata: str) -> None:
        kind = "text/html; charset=utf-8" if path.endswith(".html") else "application/json"
        if keys:
            metadata["surrogate-keys"] = keys
        self._storage.put(
            path if path == "404.html" else self.prefix + path,
            body.encode(),
            content_type=kind,
            cache_control=cache_control,
            metadata=metadata,
        )

    def url(self, path: str) -> str:
        return f"/{self.prefix}{path}"


@pytest.fixture(scope="module")
def edge_url(store_settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from _running(store_settings, tmp_path_factory.mktemp("edge"))


def _running(store_settings: ServiceSettings, folder: Path, **more: str) -> Iterator[str]:
    port = free_ports(1)[0]
    environment = {
        **os.environ,
        "PRESSLINE_EDGE_PORT": str(port),
        "PRESSLINE_S3_ENDPOINT": store_settings.s3_endpoint or "",
        "PRESSLINE_PUBLIC_BUCKET": store_settings.public_bucket,
        "PRESSLINE_PURGE_TOKEN": "",
        **more,
    }
    log = folder / "edge.log"
    child = Child("edge", [sys.executable, "-m", "infra.local.edge"], log=log, environment=environment)
    url = f"http://127.0.0.1:{port}"
    _wait_until(lambda: _is_up(url))
    yield url
    child.stop()


@pytest.fixture
def edge(edge_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge_url, trust_env=False, headers={"accept-encoding": "identity"}) as client:
        yield client


@pytest.fixture
def bucket(store_settings: ServiceSettings, prefix: str) -> Bucket:
    return Bucket(store_settings, prefix)


# --- what readers get ---


@pytest.mark.parametrize("address", ["x/", "x/index.html"])
def test_a_folder_shows_its_index_document(edge: httpx.Client, bucket: Bucket, address: str) -> None:
    bucket.put("x/index.html", "<h1>hello</h1>")

    answer = edge.get(bucket.url(address))

    assert (answer.status_code, answer.text) == (200, "<h1>hello</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_an_address_without_its_slash_redirects_to_the_folder(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello")

    answer = edge.get(bucket.url("x"))

    assert (answer.status_code, answer.headers["location"]) == (301, bucket.url("x/"))


@pytest.mark.parametrize("written", ["बूंद-से", "%E0%A4%AC%E0%A5%82%E0%A4%82%E0%A4%A6-%E0%A4%B8%E0%A5%87"])
def test_an_address_in_another_script_shows_its_page_and_redirects(
    edge: httpx.Client, bucket: Bucket, written: str
) -> None:
    moved = url_path(f"{bucket.prefix}चलो/index.html")
    bucket.put("बूंद-से/index.html", "here")
    bucket.put("पुराना/index.html", "", status="301", location=moved)

    assert edge.get(bucket.url(f"{written}/")).text == "here"
    assert edge.get(bucket.url(written)).headers["location"] == url_path(f"{bucket.prefix}बूंद-से/index.html")
    assert edge.get(bucket.url("पुराना/")).headers["location"] == moved


def test_a_purge_by_path_finds_an_address_in_another_script(edge: httpx.Client, bucket: Bucket) -> None:
    path = f"{bucket.prefix}बूंद/index.html"
    bucket.put("बूंद/index.html", "old", keys=listing_surrogate_key("epn", "topic.बूंद"))
    for key in (path_surrogate_key(path), listing_surrogate_key("epn", "topic.बूंद")):
        edge.get(url_path(path))
        assert edge.get(url_path(path)).headers["x-cache"] == "HIT"
        assert edge.request("PURGE", "/", headers={"xkey-purge": key}).json() == {"purged": 1}


def test_many_long_paths_fit_into_the_headers_of_a_purge(edge_url: str, edge: httpx.Client, bucket: Bucket) -> None:
    paths = [f"{bucket.prefix}{number}-{'बूंद' * 18}/index.html" for number in range(70)]
    for path in (paths[0], paths[-1]):
        edge.get(url_path(path))
    before = edge.get("/.pressline/stats").json()["entries"]

    cache = VarnishEdgeCache(edge_url, timeout_seconds=5)
    cache.purge([path_surrogate_key(path) for path in paths])
    cache.close()

    assert edge.get("/.pressline/stats").json()["entries"] == before - 2


def test_an_address_without_a_slash_and_without_a_folder_is_404(edge: httpx.Client, bucket: Bucket) -> None:
    assert edge.get(bucket.url("nothing")).status_code == 404


def test_a_folder_without_an_index_document_is_404(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/y.json", "{}")

    assert edge.get(bucket.url("x/")).status_code == 404


def test_a_missing_page_shows_the_sites_404_page(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("404.html", "<h1>Not here</h1>")
    edge.request("PURGE", "/404.html")

    answer = edge.get(bucket.url("nothing/"))

    assert (answer.status_code, answer.text) == (404, "<h1>Not here</h1>")


def test_a_moved_page_redirects(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("old/index.html", "", status="301", location="/new/")

    answer = edge.get(bucket.url("old/"))

    assert (answer.status_code, answer.headers["location"]) == (301, "/new/")


def test_a_withdrawn_page_is_gone(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "<h1>Gone</h1>", status="410")

    answer = edge.get(bucket.url("x/"))

    assert (answer.status_code, answer.text) == (410, "<h1>Gone</h1>")


def test_readers_get_no_headers_of_the_store(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello", keys="article:1", article="1")

    headers = edge.get(bucket.url("x/")).headers

    assert not [name for name in headers if name.startswith(("x-amz", "seaweed")) or "surrogate" in name]
    assert headers["cache-control"] == "max-age=30"
    assert headers["x-pressline-edge"] == "stand-in"
    assert EdgeSettings(_env_file=None).headers.items() <= dict(headers).items()
    assert "strict-transport-security" not in headers


def test_a_matching_etag_gets_304(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello")
    etag = edge.get(bucket.url("x/")).headers["etag"]

    answer = edge.get(bucket.url("x/"), headers={"if-none-match": f'"other", {etag}'})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert edge.get(bucket.url("x/"), headers={"if-none-match": '"other"'}).status_code == 200


def test_head_has_the_headers_of_get(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello")

    got, head = edge.get(bucket.url("x/")), edge.head(bucket.url("x/"))

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == "5"


def test_text_is_compressed_if_accepted(edge: httpx.Client, bucket: Bucket) -> None:
    page = "<p>news</p>" * 200
    bucket.put("x/index.html", page)

    with edge.stream("GET", bucket.url("x/"), headers={"accept-encoding": "br, gzip"}) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw).decode() == page
    assert "content-encoding" not in edge.get(bucket.url("x/"), headers={"accept-encoding": "gzip;q=0"}).headers


def test_a_query_string_does_not_change_the_page(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello")
    edge.get(bucket.url("x/"))

    answer = edge.get(bucket.url("x/?utm_source=mail&acl"))

    assert (answer.text, answer.headers["x-cache"]) == ("hello", "HIT")


@pytest.mark.parametrize(
    "path",
    [
        "/../test-content/secret.json",
        "/%2e%2e/test-content/secret.json",
        "/a/..%2f..%2fsecret",
        "//",
        "/a//b",
        "/a%00b",
    ],
)
def test_no_path_leads_out_of_the_bucket(edge_url: str, path: str) -> None:
    assert _raw_status(edge_url, "GET", path) == 404


def test_the_bucket_cannot_be_listed(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "hello")

    for address in ("/", "/?list-type=2", bucket.url("")):
        assert "ListBucketResult" not in edge.get(address).text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_readers_can_only_use_get_and_head(edge: httpx.Client, bucket: Bucket, method: str) -> None:
    answer = edge.request(method, bucket.url("x/"))

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


# --- ESI ---


def test_a_fragment_replaces_its_include(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("rail.html", "<li>latest</li>")
    include = f'<esi:include src="{bucket.url("rail.html")}" onerror="continue"/>'
    bucket.put("x/index.html", f"<ul><!--esi {include} --></ul><esi:remove>no rail</esi:remove>")

    assert edge.get(bucket.url("x/")).text == "<ul> <li>latest</li> </ul>"


def test_a_purged_fragment_changes_the_page_and_its_etag(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("rail.html", "one", keys="listing:rail-a")
    bucket.put("x/index.html", f'<esi:include src="{bucket.url("rail.html")}"/>')
    before = edge.get(bucket.url("x/"))
    bucket.put("rail.html", "two", keys="listing:rail-a")

    edge.request("PURGE", "/", headers={"xkey-purge": "listing:rail-a"})
    after = edge.get(bucket.url("x/"), headers={"if-none-match": before.headers["etag"]})

    assert (before.text, after.status_code, after.text) == ("one", 200, "two")


def test_a_missing_fragment_leaves_the_rest_of_the_page(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", f'<p>a</p><esi:include src="{bucket.url("no.html")}"/><p>b</p>')

    assert edge.get(bucket.url("x/")).text == "<p>a</p><p>b</p>"


def test_includes_are_counted_and_one_level_deep(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("self.html", f'i<esi:include src="{bucket.url("self.html")}"/>')
    bucket.put("x/index.html", f'<esi:include src="{bucket.url("self.html")}"/>' * 12)

    assert edge.get(bucket.url("x/")).text == "i" * 10


def test_only_html_is_searched_for_includes(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x.json", '"<esi:remove>kept</esi:remove>"')

    assert edge.get(bucket.url("x.json")).text == '"<esi:remove>kept</esi:remove>"'


@pytest.mark.parametrize("source", ["https://elsewhere.example/", "//elsewhere.example/", "../x", ""])
def test_nothing_is_included_from_elsewhere(edge: httpx.Client, bucket: Bucket, source: str) -> None:
    bucket.put("x/index.html", f'a<esi:include src="{source}"/>b')

    assert edge.get(bucket.url("x/")).text == "ab"


# --- the cache and its purges ---


def test_a_page_is_cached_until_its_key_is_purged(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "one", keys="article:a1 section:world")
    edge.get(bucket.url("x/"))
    bucket.put("x/index.html", "two", keys="article:a1 section:world")
    assert edge.get(bucket.url("x/")).text == "one"

    answer = edge.request("PURGE", "/", headers={"xkey-purge": "article:none article:a1"})

    assert (answer.status_code, answer.json(), answer.headers["x-purged"]) == (200, {"purged": 1}, "1")
    assert edge.get(bucket.url("x/")).text == "two"


def test_a_purge_does_not_affect_other_keys(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "one", keys="article:b1")
    edge.get(bucket.url("x/"))

    edge.request("PURGE", "/", headers={"xkey-purge": "article:b"})

    assert edge.get(bucket.url("x/")).headers["x-cache"] == "HIT"


def test_every_page_can_be_purged_by_its_path(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "one")
    edge.get(bucket.url("x/"))
    bucket.put("x/index.html", "two")

    edge.request("PURGE", "/", headers={"xkey-purge": f"path:{bucket.url('x/')}"})

    assert edge.get(bucket.url("x/")).text == "two"


@pytest.mark.parametrize("address", ["x/", "x"])
def test_a_cached_404_ends_with_the_purge_of_its_path(edge: httpx.Client, bucket: Bucket, address: str) -> None:
    assert edge.get(bucket.url(address)).status_code == 404
    bucket.put("x/index.html", "new")
    assert edge.get(bucket.url(address)).status_code == 404

    edge.request("PURGE", "/", headers={"xkey-purge": f"path:{bucket.url('x/')}"})

    assert edge.get(bucket.url(address), follow_redirects=True).text == "new"


def test_a_plain_purge_of_an_address_works_as_well(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "one")
    edge.get(bucket.url("x/"))
    bucket.put("x/index.html", "two")

    assert edge.request("PURGE", bucket.url("x/")).json() == {"purged": 1}
    assert edge.get(bucket.url("x/")).text == "two"


def test_after_a_soft_purge_the_next_reader_gets_the_new_page(edge: httpx.Client, bucket: Bucket) -> None:
    bucket.put("x/index.html", "one", keys="listing:home-a")
    edge.get(bucket.url("x/"))
    bucket.put("x/index.html", "two", keys="listing:home-a")

    edge.request("PURGE", "/", headers={"xkey-softpurge": "listing:home-a"})
    first = edge.get(bucket.url("x/"))

    assert (first.text, first.headers["x-cache"]) == ("two", "MISS")


def test_a_no_store_page_is_not_cached(edge: httpx.Client, bucket: Bucket) -> None:
    for cache_control in ("no-store", "private, max-age=60", "max-age=60, s-maxage=0", ""):
        bucket.put("x.json", "1", cache_control=cache_control)
        edge.request("PURGE", bucket.url("x.json"))
        edge.get(bucket.url("x.json"))

        assert edge.get(bucket.url("x.json")).headers["x-cache"] == "MISS", cache_control


def test_a_purge_may_name_a_thousand_keys(edge: httpx.Client) -> None:
    keys = " ".join(f"path:/world/2026/11/22/a-rather-long-slug-{n:04}/" for n in range(1_000))

    assert edge.request("PURGE", "/", headers={"xkey-purge": keys}).status_code == 200


# --- several sites ---


@pytest.fixture(scope="module")
def two_sites(store_settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A stand-in before two sites, with HSTS."""
    bucket = store_settings.public_bucket
    sites = f"almina.test={bucket}/sites/almina,Tarang.test={bucket}/sites/tarang/"
    folder = tmp_path_factory.mktemp("edge-of-two")
    for url in _running(store_settings, folder, PRESSLINE_EDGE_SITES=sites, PRESSLINE_EDGE_HSTS_SECONDS="86400"):
        with httpx.Client(base_url=url, trust_env=False) as client:
            yield client


def _site(client: httpx.Client, host: str, path: str) -> httpx.Response:
    return client.get(path, headers={"host": host})


def test_each_host_shows_its_own_site(two_sites: httpx.Client, store_settings: ServiceSettings) -> None:
    for site in ("almina", "tarang"):
        bucket = Bucket(store_settings, f"sites/{site}/")
        bucket.put("x/index.html", f'{site}<esi:include src="/_rail/latest.html"/>')
        bucket.put("_rail/latest.html", f" of {site}")

    for _ in ("miss", "hit"):
        assert _site(two_sites, "almina.test", "/x/").text == "almina of almina"
        assert _site(two_sites, "TARANG.test:8443", "/x/").text == "tarang of tarang"


def test_a_purge_reaches_every_site_and_needs_no_site_s_name(
    two_sites: httpx.Client, store_settings: ServiceSettings
) -> None:
    for site in ("almina", "tarang"):
        Bucket(store_settings, f"sites/{site}/").put("purged.json", "1", keys="listing:two")
        _site(two_sites, f"{site}.test", "/purged.json")

    assert two_sites.get("/.pressline/healthz").text == "ok\n"
    assert two_sites.request("PURGE", "/", headers={"xkey-purge": "listing:two"}).json() == {"purged": 2}


@pytest.mark.parametrize("header", ["xkey-purge", "xkey-softpurge", None])
def test_a_purge_by_a_site_s_name_does_not_affect_other_sites(
    two_sites: httpx.Client, store_settings: ServiceSettings, header: str | None
) -> None:
    two_sites.request("PURGE", "/", headers={"xkey-purge": "path:/same/ path:/missing/"})
    for site in ("almina", "tarang"):
        Bucket(store_settings, f"sites/{site}/").put("same/index.html", "old")
        _site(two_sites, f"{site}.test", "/same/")
        _site(two_sites, f"{site}.test", "/missing/")
        Bucket(store_settings, f"sites/{site}/").put("same/index.html", "new")

    keys = {header: "path:/other/ path:/same/"} if header else {}
    answer = two_sites.request("PURGE", "/same/", headers={"host": "TARANG.test:8443", **keys})

    assert answer.json() == {"purged": 1}
    assert _site(two_sites, "tarang.test", "/same/").text == "new"
    assert _site(two_sites, "almina.test", "/same/").text == "old"
    assert two_sites.request("PURGE", "/missing/", headers={"host": "tarang.test"}).json() == {"purged": 1}


def test_an_unknown_host_gets_no_page(two_sites: httpx.Client) -> None:
    answer = _site(two_sites, "elsewhere.test", "/x/")

    assert answer.status_code == 421
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_hsts_is_sent_for_https_sites(two_sites: httpx.Client) -> None:
    for host in ("almina.test", "elsewhere.test"):
        assert _site(two_sites, host, "/x/").headers["strict-transport-security"] == "max-age=86400"


@pytest.mark.parametrize("sites", ["almina.test", "almina.test=", "=bucket", "a=b c", "a=b,,c"])
def test_ambiguous_sites_stop_the_edge_at_its_start(sites: str) -> None:
    with pytest.raises(ValueError, match="is not host=bucket/prefix"):
        EdgeSettings(edge_sites=sites)


# --- races: the test controls the store ---


class SlowStore:
    """A store that answers when the test says so, with the object of the request's time."""

    def __init__(self) -> None:
        self.body = "old"
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.is_down = False
        self.requests = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.is_down:
            raise httpx.ConnectError("refused")
        if request.url.path.endswith("404.html"):
            return httpx.Response(404)
        body = self.body
        self.asked.set()
        await self.may_answer.wait()
        headers = {"cache-control": "s-maxage=60", "x-amz-meta-surrogate-keys": "article:1", "etag": f'"{body}"'}
        return httpx.Response(200, text=body, headers=headers)


def _with_edge(
    test: Callable[[SlowStore, httpx.AsyncClient], Awaitable[None]],
    *,
    client_address: str = "127.0.0.1",
    purge_token: str | None = None,
) -> None:
    async def run() -> None:
        store = SlowStore()
        settings = EdgeSettings.model_validate({"purge_token": purge_token})
        async with httpx.AsyncClient(transport=httpx.MockTransport(store)) as origin:
            app = Edge.of(settings, Origin(origin, "http://store/bucket", 5.0))
            transport = httpx.ASGITransport(app=app, client=(client_address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://edge") as reader:
                await asyncio.wait_for(test(store, reader), _DEADLINE_SECONDS)

    asyncio.run(run())


@pytest.mark.parametrize("key", ["article:1", "path:/x/"])
@pytest.mark.parametrize("header", ["xkey-purge", "xkey-softpurge"])
def test_bytes_requested_before_a_purge_are_not_cached_after_it(header: str, key: str) -> None:
    async def race(store: SlowStore, reader: httpx.AsyncClient) -> None:
        early = asyncio.create_task(reader.get("/x/"))
        await store.asked.wait()
        store.body = "new"
        await reader.request("PURGE", "/", headers={header: key})
        store.may_answer.set()

        assert (await early).text == "old"  # requested before the purge
        assert (await reader.get("/x/")).text == "new"

    _with_edge(race)


def test_a_request_after_a_purge_does_not_wait_for_the_older_bytes() -> None:
    async def race(store: SlowStore, reader: httpx.AsyncClient) -> None:
        early = asyncio.create_task(reader.get("/x/"))
        await store.asked.wait()
        store.asked.clear()
        store.body = "new"
        await reader.request("PURGE", "/", headers={"xkey-purge": "path:/x/"})
        late = asyncio.create_task(reader.get("/x/"))
        await store.asked.wait()
        store.may_answer.set()

        assert ((await early).text, (await late).text) == ("old", "new")
        assert (await reader.get("/x/")).text == "new"

    _with_edge(race)


def test_a_purge_of_another_key_does_not_prevent_caching() -> None:
    async def race(store: SlowStore, reader: httpx.AsyncClient) -> None:
        requests = asyncio.create_task(reader.get("/x/"))
        await store.asked.wait()
        await reader.request("PURGE", "/", headers={"xkey-purge": "article:2"})
        store.may_answer.set()
        await requests

        assert (await reader.get("/x/")).headers["x-cache"] == "HIT"

    _with_edge(race)


def test_many_readers_cost_the_store_one_request() -> None:
    async def crowd(store: SlowStore, reader: httpx.AsyncClient) -> None:
        requests = [asyncio.create_task(reader.get("/x/")) for _ in range(20)]
        await store.asked.wait()
        store.may_answer.set()

        assert {(await one).text for one in requests} == {"old"}
        assert store.requests == 1

    _with_edge(crowd)


def test_readers_get_the_last_cached_page_while_the_store_is_down() -> None:
    async def outage(store: SlowStore, reader: httpx.AsyncClient) -> None:
        store.may_answer.set()
        await reader.get("/x/")
        store.is_down = True
        await reader.request("PURGE", "/", headers={"xkey-softpurge": "path:/x/"})

        for _ in range(3):
            answer = await reader.get("/x/")
            assert (answer.status_code, answer.text, answer.headers["x-cache"]) == (200, "old", "STALE")

    _with_edge(outage)


def test_a_hard_purge_is_not_undone_by_an_outage() -> None:
    async def outage(store: SlowStore, reader: httpx.AsyncClient) -> None:
        store.may_answer.set()
        await reader.get("/x/")
        store.is_down = True
        await reader.request("PURGE", "/", headers={"xkey-purge": "article:1"})

        assert (await reader.get("/x/")).status_code == 503

    _with_edge(outage)


def test_only_this_machine_may_purge() -> None:
    async def purge(_: SlowStore, stranger: httpx.AsyncClient) -> None:
        answer = await stranger.request("PURGE", "/", headers={"xkey-purge": "a", "x-forwarded-for": "127.0.0.1"})
        assert answer.status_code == 403

    _with_edge(purge, client_address="192.0.2.7")


def test_a_purge_needs_the_token_if_one_is_set() -> None:
    async def purge(_: SlowStore, publisher: httpx.AsyncClient) -> None:
        keys = {"xkey-purge": "a"}
        assert (await publisher.request("PURGE", "/", headers=keys)).status_code == 403
        assert (await publisher.request("PURGE", "/", headers={**keys, "x-purge-token": "no"})).status_code == 403
        assert (await publisher.request("PURGE", "/", headers={**keys, "x-purge-token": "yes"})).status_code == 200

    _with_edge(purge, purge_token="yes")


# --- helpers ---


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/.pressline/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition is still false"
        time.sleep(0.01)


def _raw_status(url: str, method: str, path: str) -> int:
    """Return the status for a path that is sent unchanged; HTTP clients would normalise dots and slashes."""
    host, port = url.removeprefix("http://").split(":")

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    return int(asyncio.run(ask()).split()[1])
