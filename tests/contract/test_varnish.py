"""The contract of `infra/edge/default.vcl` with readers and publish workers: Varnish itself before a real store."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local.edge.settings import EdgeSettings
from infra.local.ports import free_ports
from services.publish.adapters.varnish import VarnishEdgeCache
from shared.runtime.settings import ServiceSettings
from shared.storage.s3 import S3ObjectStorage

START = Path(__file__).resolve().parent.parent.parent / "infra" / "edge" / "start"
XKEY = "libvmod_xkey.so"
TOKEN = "sesame"
HTML = "text/html; charset=utf-8"
PROTECTION = {name: value for name, value in EdgeSettings(_env_file=None).headers.items() if "pressline" not in name}


def missing() -> str:
    if not shutil.which("varnishd", path=f"{os.environ['PATH']}:/usr/sbin"):
        return "varnishd is not installed (Debian: apt-get install varnish varnish-modules)"
    if not any(found for lib in ("/usr/lib", "/usr/local/lib") for found in Path(lib).glob(f"**/vmods/{XKEY}")):
        return "varnishd is here, but not its xkey module (Debian: apt-get install varnish-modules)"
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@dataclass(slots=True)
class Wire:
    """A TCP proxy between Varnish and the store: the test can cut it, and hold answers back."""

    port: int
    target: tuple[str, int]
    may_answer: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _carriers: list[threading.Thread] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)  # all bytes from Varnish to the store

    def connect(self) -> None:
        self.may_answer.set()
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for carrier in self._carriers:
            carrier.join(5)
        self._carriers.clear()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.may_answer.clear()
        try:
            yield
        finally:
            self.may_answer.set()

    def _serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                carrier = threading.Thread(target=self._carry, args=(near,), daemon=True)
                self._carriers.append(carrier)
                carrier.start()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(self.target) as far:
            self._open += [near, far]
            back = threading.Thread(target=self._pump, args=(far, near, self.may_answer), daemon=True)
            back.start()
            self._pump(near, far, None, self.sent)
            back.join(15)
            self._open.remove(near)
            self._open.remove(far)

    @staticmethod
    def _pump(
        source: socket.socket, sink: socket.socket, gate: threading.Event | None, received: bytearray | None = None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if received is not None:
                    received += data
                if gate:
                    gate.wait(10)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Edge:
    url: str
    proxy_port: int
    store: S3ObjectStorage
    wire: Wire
    client: httpx.Client

    def put(self, key: str, body: str, *keys: str, content_type: str = HTML, **metadata: str) -> None:
        metadata = {"status": "200", **metadata, "order": "1", "sha256": "0" * 64, "theme": "epn"}
        if keys:
            metadata["surrogate-keys"] = " ".join(keys)
        cache = "public, max-age=30, s-maxage=3600, stale-while-revalidate=30"
        self.store.put(key, body.encode(), content_type=content_type, cache_control=cache, metadata=metadata)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def purge(self, *keys: str, soft: bool = False, token: str = TOKEN) -> httpx.Response:
        header = "xkey-softpurge" if soft else "xkey-purge"
        return self.client.request("PURGE", "/", headers={header: " ".join(keys), "x-purge-token": token})


@pytest.fixture(scope="module")
def edge(store_settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with varnish(store_settings, tmp_path_factory.mktemp("varnish")) as started:
        yield started


@pytest.fixture(scope="module")
def two_sites(store_settings: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Varnish before two sites, with HSTS."""
    bucket = store_settings.public_bucket
    with varnish(
        store_settings,
        tmp_path_factory.mktemp("varnish-of-two"),
        PRESSLINE_EDGE_SITES=f"almina.test={bucket}/varnished/almina,Tarang.test={bucket}/varnished/tarang/",
        PRESSLINE_EDGE_HSTS_SECONDS="86400",
    ) as started:
        yield started


@contextlib.contextmanager
def varnish(store_settings: ServiceSettings, folder: Path, **more: str) -> Iterator[Edge]:
    port, proxy_port, wire_port = free_ports(3)
    store = urlsplit(store_settings.s3_endpoint or "")
    wire = Wire(wire_port, (store.hostname or "", store.port or 0))
    wire.connect()
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
        "PRESSLINE_S3_ENDPOINT": f"http://127.0.0.1:{wire_port}",
        "PRESSLINE_PUBLIC_BUCKET": store_settings.public_bucket,
        "PRESSLINE_PURGE_TOKEN": TOKEN,
        "PRESSLINE_EDGE_HOST": "127.0.0.1",
        "PRESSLINE_EDGE_PORT": str(port),
        "PRESSLINE_EDGE_CACHE": "64m",
        "PRESSLINE_EDGE_FOLDER": str(folder),
        **more,
    }
    log = (folder / "log").open("wb")
    command = [str(START), "-j", "none", "-a", f"proxy=127.0.0.1:{proxy_port},PROXY"]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    client = httpx.Client(base_url=url, trust_env=False, timeout=10)
    try:
        wait_until(lambda: process.poll() is not None or answers(url))
        assert process.poll() is None, (folder / "log").read_text()
        storage = S3ObjectStorage(store_settings, store_settings.public_bucket)
        yield Edge(url, proxy_port, storage, wire, client)
    finally:
        client.close()
        wire.cut()
        process.terminate()
        process.wait(10)
        log.close()


@pytest.fixture
def folder(prefix: str) -> str:
    return prefix.strip("/")


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/.pressline/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition is still false"
        time.sleep(0.05)


# --- what readers get ---


def test_an_address_with_a_slash_shows_its_folders_index_document(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "<p>front")

    assert edge.get(f"/{folder}/").text == "<p>front"
    assert edge.get(f"/{folder}/index.html").headers["x-cache"] == "HIT"


def test_the_root_shows_its_index_document(edge: Edge) -> None:
    edge.put("index.html", "<p>home", "listing:home")
    edge.purge("path:/")

    assert edge.get("/").text == "<p>home"


def test_an_address_without_its_slash_redirects_to_the_folder(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/story/index.html", "<p>story")

    answer = edge.get(f"/{folder}/story?from=feed")

    assert (answer.status_code, answer.headers["location"]) == (301, f"/{folder}/story/")
    assert edge.get(f"/{folder}/no-such-story").status_code == 404


def test_metadata_turns_a_page_into_a_redirect(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/old/index.html", "<p>moved", status="301", location=f"/{folder}/new/")

    answer = edge.get(f"/{folder}/old/")

    assert (answer.status_code, answer.headers["location"]) == (301, f"/{folder}/new/")


def test_each_percent_encoding_of_an_address_is_one_cache_entry(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/ë中/index.html", "<p>here")
    address = f"/{folder}/%C3%AB%E4%B8%AD/"

    assert [edge.get(each).status_code for each in (address, address.lower())] == [200, 200]
    assert edge.purge(f"path:{address}").headers["x-purged"] == "1"


def test_metadata_turns_a_page_into_gone(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/killed/index.html", "<h1>taken down", status="410")

    answer = edge.get(f"/{folder}/killed/")

    assert (answer.status_code, answer.text) == (410, "<h1>taken down")


def test_a_missing_page_is_the_site_s_own_404(edge: Edge, folder: str) -> None:
    edge.put("404.html", "<h1>Not here</h1>")
    edge.purge("path:/404.html")

    answer = edge.get(f"/{folder}/nothing/")

    assert (answer.status_code, answer.text) == (404, "<h1>Not here</h1>")
    assert answer.headers["content-type"] == HTML
    assert answer.headers["cache-control"] == "no-cache"


def test_a_site_without_a_404_page_still_answers_404(edge: Edge, folder: str) -> None:
    edge.store.delete("404.html")
    edge.purge("path:/404.html")

    answer = edge.get(f"/{folder}/nothing/")

    assert (answer.status_code, answer.text) == (404, "not found")


def test_a_query_string_does_not_change_the_cache_entry(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/feed.xml", "<rss/>", content_type="application/rss+xml")
    edge.get(f"/{folder}/feed.xml")

    assert edge.get(f"/{folder}/feed.xml?utm_source=x&versionId=1").headers["x-cache"] == "HIT"


@pytest.mark.parametrize(
    "path",
    ["/a//b", "/a/../b", "/./a", "/%61rticle/", "/a%2fb", "/a%00b", "/%2e%2e/secret", "/a%zz", "/" + "x" * 1100 + "/"],
)
def test_a_path_that_cannot_be_a_key_never_reaches_the_store(edge: Edge, folder: str, path: str) -> None:
    edge.get(f"/{folder}/none/")  # the site's 404 page is cached by now
    with edge.wire.held():  # would time out
        assert raw_get(edge, path).startswith(b"HTTP/1.1 404 ")


def test_only_get_head_and_purge_are_allowed(edge: Edge, folder: str) -> None:
    answer = edge.client.post(f"/{folder}/", content=b"x")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PURGE")


def test_text_is_compressed_if_accepted(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "<p>long</p>" * 500)

    packed = edge.get(f"/{folder}/")
    plain = edge.get(f"/{folder}/", **{"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert "accept-encoding" in packed.headers["vary"].lower()


def test_readers_get_no_headers_of_the_store_or_the_edge(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "<p>front", "listing:x")

    for _ in ("miss", "hit"):
        headers = edge.get(f"/{folder}/").headers
        assert not [name for name in headers if name.startswith(("x-amz", "seaweed", "x-seaweed", "xkey", "x-varnish"))]
        assert not headers.keys() & {"server", "via", "age"}
        assert headers["cache-control"] == "public, max-age=30, stale-while-revalidate=30"
        assert PROTECTION.items() <= dict(headers).items()
        assert "strict-transport-security" not in headers


def test_errors_have_the_security_headers_too(edge: Edge, folder: str) -> None:
    for path in (f"/{folder}/none/", "/a//b"):
        assert PROTECTION.items() <= dict(edge.get(path).headers).items()


def test_a_picture_keeps_its_tag_and_is_not_sent_twice(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/1.jpg", "jpeg", content_type="image/jpeg")
    tag = edge.get(f"/{folder}/1.jpg").headers["etag"]

    assert edge.get(f"/{folder}/1.jpg", **{"if-none-match": tag}).status_code == 304


# --- the rail ---


def test_the_rail_is_included_in_the_page(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/_rail/latest.html", "<ul>latest</ul>", f"listing:{folder}")
    edge.put(
        f"{folder}/index.html",
        f'<p>a</p><!--esi <esi:include src="/{folder}/_rail/latest.html" onerror="continue"/> -->'
        "<esi:remove><a href='/'>latest</a></esi:remove><p>b</p>",
    )

    assert edge.get(f"/{folder}/").text == "<p>a</p> <ul>latest</ul> <p>b</p>"


def test_a_new_rail_shows_on_unchanged_pages(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/_rail/latest.html", "old", f"listing:{folder}")
    edge.put(f"{folder}/index.html", f'<p><esi:include src="/{folder}/_rail/latest.html"/></p>')
    assert edge.get(f"/{folder}/").text == "<p>old</p>"

    edge.put(f"{folder}/_rail/latest.html", "new", f"listing:{folder}")
    edge.purge(f"listing:{folder}")

    answer = edge.get(f"/{folder}/")
    assert (answer.text, answer.headers["x-cache"]) == ("<p>new</p>", "HIT")
    assert "etag" not in answer.headers  # the store's ETag does not cover the rail


def test_a_page_is_shown_without_a_missing_rail(edge: Edge, folder: str) -> None:
    edge.put("404.html", "<h1>Not here</h1>")
    edge.put(f"{folder}/index.html", f'<p>a</p><esi:include src="/{folder}/_rail/none.html"/><p>b</p>')

    answer = edge.get(f"/{folder}/")

    assert (answer.status_code, answer.text) == (200, "<p>a</p><p>b</p>")


# --- purging ---


def test_a_hard_purge_by_key_takes_effect_at_once(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old", "article:a", f"article:{folder}")
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "new", "article:a", f"article:{folder}")
    assert edge.get(f"/{folder}/").text == "old"

    answer = edge.purge(f"article:{folder}", "article:other")

    assert (answer.status_code, answer.json(), answer.headers["x-purged"]) == (200, {"purged": 1}, "1")
    assert edge.get(f"/{folder}/").text == "new"


def test_after_a_soft_purge_the_next_reader_gets_the_new_page(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old", f"listing:{folder}")
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "new", f"listing:{folder}")

    assert edge.purge(f"listing:{folder}", soft=True).json() == {"purged": 1}

    assert edge.get(f"/{folder}/").text == "new"


def test_every_page_has_the_key_of_its_path(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old")
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "new")

    edge.purge(f"path:/{folder}/")

    assert edge.get(f"/{folder}/").text == "new"


def test_a_404_is_cached_for_seconds_and_has_the_key_of_its_path(edge: Edge, folder: str) -> None:
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "here")
    assert edge.get(f"/{folder}/").status_code == 404

    assert edge.purge(f"path:/{folder}/").json() == {"purged": 1}

    assert edge.get(f"/{folder}/").text == "here"


def test_a_plain_purge_affects_only_its_address(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old")
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "new")

    answer = edge.client.request("PURGE", f"/{folder}/index.html", headers={"x-purge-token": TOKEN})

    assert answer.json() == {"purged": 1}
    assert edge.get(f"/{folder}/").text == "new"


def test_an_answer_from_before_a_purge_is_not_cached(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old", f"article:{folder}")
    with edge.wire.held():
        reader = threading.Thread(target=edge.get, args=(f"/{folder}/",))
        reader.start()
        time.sleep(0.3)  # the store has answered; the proxy holds the answer
        edge.put(f"{folder}/index.html", "new", f"article:{folder}")
        assert edge.purge(f"article:{folder}").json() == {"purged": 0}
    reader.join()

    wait_until(lambda: edge.get(f"/{folder}/").text == "new", seconds=3)


def test_the_publisher_s_own_adapter_purges(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "old")
    edge.get(f"/{folder}/")
    edge.put(f"{folder}/index.html", "new")
    many = [f"path:/world/2026/11/22/a-headline-of-a-usual-length-{n:06}/" for n in range(400)]

    cache = VarnishEdgeCache(edge.url, timeout_seconds=5, token=TOKEN)
    with contextlib.closing(cache._client):  # noqa: SLF001 -- a worker keeps it for life
        cache.purge([*many, f"path:/{folder}/"])

    assert edge.get(f"/{folder}/").text == "new"


def test_a_purge_without_the_token_is_refused(edge: Edge) -> None:
    assert edge.purge("listing:home", token="guess").status_code == 403
    assert edge.client.request("PURGE", "/").status_code == 403


def test_a_purge_from_the_internet_is_refused_even_with_the_token(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.proxy_port)) as wire:
        wire.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 80\r\n")
        wire.sendall(f"PURGE / HTTP/1.1\r\nHost: x\r\nx-purge-token: {TOKEN}\r\nConnection: close\r\n\r\n".encode())
        assert wire.recv(1024).startswith(b"HTTP/1.1 403 ")


# --- the store is down ---


def test_cached_pages_are_served_while_the_store_is_down(edge: Edge, folder: str) -> None:
    edge.put(f"{folder}/index.html", "kept", f"listing:{folder}")
    edge.get(f"/{folder}/")

    edge.wire.cut()
    try:
        edge.purge(f"listing:{folder}", soft=True)
        for _ in range(40):  # before the health probe has noticed the outage, and after
            answer = edge.get(f"/{folder}/")
            assert (answer.status_code, answer.text) == (200, "kept")
            time.sleep(0.1)
        unknown = edge.get(f"/{folder}/never-seen/")
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "5")
    finally:
        edge.wire.connect()

    edge.put(f"{folder}/index.html", "fresh", f"listing:{folder}")
    edge.purge(f"listing:{folder}")
    wait_until(lambda: edge.get(f"/{folder}/").text == "fresh")


# --- several sites ---


def as_reader_of(site: str, edge: Edge, path: str, **headers: str) -> httpx.Response:
    return edge.get(path, host=site, **headers)


def test_each_host_shows_its_own_site(two_sites: Edge) -> None:
    two_sites.put("varnished/almina/index.html", "<p>Almina")
    two_sites.put("varnished/tarang/index.html", "<p>Tarang")
    two_sites.purge("path:/")

    for _ in ("miss", "hit"):
        assert as_reader_of("almina.test", two_sites, "/").text == "<p>Almina"
        assert as_reader_of("TARANG.test:8443", two_sites, "/").text == "<p>Tarang"


def test_each_site_has_its_own_404_page_and_its_own_rail(two_sites: Edge) -> None:
    two_sites.put("varnished/almina/404.html", "<p>not in Almina")
    two_sites.put("varnished/tarang/404.html", "<p>not in Tarang")
    two_sites.put("varnished/tarang/_rail/latest.html", "<li>Tarang's latest")
    two_sites.put("varnished/tarang/x/index.html", '<ul><esi:include src="/_rail/latest.html"/></ul>')
    two_sites.purge("path:/404.html", "path:/_rail/latest.html", "path:/x/")

    assert as_reader_of("almina.test", two_sites, "/x/").text == "<p>not in Almina"
    assert as_reader_of("tarang.test", two_sites, "/y/").text == "<p>not in Tarang"
    assert as_reader_of("tarang.test", two_sites, "/x/").text == "<ul><li>Tarang's latest</ul>"


def test_an_unknown_host_gets_no_page(two_sites: Edge) -> None:
    answer = as_reader_of("elsewhere.test", two_sites, "/", **{"x-site": "/secret", "x-host": "almina.test"})

    assert (answer.status_code, answer.headers["cache-control"]) == (421, "no-store")


def test_purges_and_health_checks_need_no_site_s_name(two_sites: Edge) -> None:
    two_sites.put("varnished/almina/feed.xml", "old", content_type="application/rss+xml; charset=utf-8")
    as_reader_of("almina.test", two_sites, "/feed.xml")

    assert two_sites.get("/.pressline/healthz").text == "ok"
    assert two_sites.purge("path:/feed.xml").json() == {"purged": 1}


@pytest.mark.parametrize("is_soft", [False, True])
def test_a_purge_by_a_site_s_name_does_not_affect_other_sites(two_sites: Edge, *, is_soft: bool) -> None:
    two_sites.purge("path:/same/", "path:/nothing/")
    for site in ("almina", "tarang"):
        two_sites.put(f"varnished/{site}/same/index.html", "old")
        as_reader_of(f"{site}.test", two_sites, "/same/")
        as_reader_of(f"{site}.test", two_sites, "/nothing/")
        two_sites.put(f"varnished/{site}/same/index.html", "new")

    cache = VarnishEdgeCache(two_sites.url, timeout_seconds=5, token=TOKEN, host="Tarang.test:8443")
    with contextlib.closing(cache):
        cache.purge(["path:/other/", "path:/same/"], soft=is_soft)

    assert as_reader_of("tarang.test", two_sites, "/same/").text == "new"
    assert as_reader_of("almina.test", two_sites, "/same/").text == "old"
    sent = {"host": "tarang.test", "x-purge-token": TOKEN}
    assert two_sites.client.request("PURGE", "/nothing/", headers=sent).json() == {"purged": 1}


def test_a_key_that_is_not_a_path_key_is_purged_under_any_host(two_sites: Edge) -> None:
    two_sites.put("varnished/almina/of/index.html", "old", "article:of-almina")
    two_sites.purge("path:/of/")
    as_reader_of("almina.test", two_sites, "/of/")

    cache = VarnishEdgeCache(two_sites.url, timeout_seconds=5, token=TOKEN, host="tarang.test")
    with contextlib.closing(cache):
        cache.purge(["article:of-almina"])

    assert as_reader_of("almina.test", two_sites, "/of/").headers["x-cache"] == "MISS"


def test_hsts_is_sent_for_https_sites(two_sites: Edge) -> None:
    for host in ("almina.test", "elsewhere.test"):
        assert as_reader_of(host, two_sites, "/").headers["strict-transport-security"] == "max-age=86400"


def test_the_store_gets_its_own_host_name_and_never_a_reader_s(edge: Edge, folder: str) -> None:
    edge.wire.sent.clear()

    as_reader_of("secret-bucket.store.test", edge, f"/{folder}/", **{"x-site": "/secret", "x-host": "x"})

    received = bytes(edge.wire.sent).lower()
    assert f"get /{edge.store.bucket}/{folder}/index.html ".encode() in received
    assert b"secret" not in received
    assert b"x-site" not in received
    assert b"x-host" not in received


@pytest.mark.parametrize(
    "content_type",
    [
        "application/rss+xml; charset=utf-8",
        "application/atom+xml; charset=utf-8",
        "application/feed+json; charset=utf-8",
        "application/xml; charset=utf-8",
        "application/json; charset=utf-8",
        "application/manifest+json; charset=utf-8",
        "application/opensearchdescription+xml; charset=utf-8",
        "text/plain; charset=utf-8",
    ],
)
def test_machine_readable_files_are_compressed(edge: Edge, folder: str, content_type: str) -> None:
    name = f"{folder}/{content_type.partition(';')[0].replace('/', '-')}"
    edge.put(f"{name}.xml", "news " * 400, content_type=content_type)

    answer = edge.get(f"/{name}.xml", **{"accept-encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "news " * 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRESSLINE_EDGE_SITES", "almina.test"),
        ("PRESSLINE_EDGE_SITES", 'almina.test=bucket"};}'),
        ("PRESSLINE_EDGE_HSTS_SECONDS", "a year"),
    ],
)
def test_ambiguous_sites_stop_varnish_at_its_start(tmp_path: Path, name: str, value: str) -> None:
    environment = {**os.environ, "PRESSLINE_S3_ENDPOINT": "http://127.0.0.1:1", "PRESSLINE_EDGE_FOLDER": str(tmp_path)}

    ended = subprocess.run([str(START)], env={**environment, name: value}, capture_output=True, text=True, check=False)

    assert ended.returncode == 64
    assert name in ended.stderr


def raw_get(edge: Edge, path: str) -> bytes:
    """Request a path unchanged; httpx would normalise it."""
    parts = urlsplit(edge.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=4) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return wire.recv(1024)
