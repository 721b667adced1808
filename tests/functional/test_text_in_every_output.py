"""An article's text is the same on its page, in metadata, feeds, sitemaps, the search file and its address."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from shared.model.slug import slug_of
from shared.model.text import one_line
from tests.functional.conftest import Pipeline

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "map": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}
WORDS = (
    *(
        "<3",
        "&amp;",
        "&section=2",
        "AT&T",
        "</script>",
        "<!--",
        "]]>",
        '"quoted"',
        "it's",
        "{{ x }}",
        "<b>",
        "%20",
        "\\n",
    ),
    *(
        "\u00abRien\u00bb\u202f?",
        "12\u00a0000\u202f€",
        "e\u0301te\u0301",
        "Zoe\u0308",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "क्\u200dष",
        "दुनिया",
    ),
    *(
        "ข่าววันนี้",
        "日本語",
        "👩‍👩‍👧",
        "🇮🇳",
        "\ufeffpasted",
        "CO₂",
        "Straße",
        "שלום",
        "العربية",
        "co\u00adop",
        "\u2028",
        "x\u200b",
    ),
)
characters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn"))
words = st.one_of(st.sampled_from(WORDS), st.text(characters, min_size=1, max_size=8))
lines = st.lists(st.tuples(words, st.sampled_from((" ", "  ", "\u00a0", "\n"))), min_size=1, max_size=12).map(
    lambda pairs: "".join(f"{word}{space}" for word, space in pairs)
)
visible_lines = lines.filter(one_line)
stories = st.lists(st.tuples(visible_lines, visible_lines), min_size=4, max_size=8)


GROUPS = tuple(" ".join(WORDS[start : start + 4]) for start in range(0, len(WORDS), 4))


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # each step of shrinking would take seconds
)
@given(stories=stories)
@example(stories=[(group, f"{group}, " * 6) for group in GROUPS])
def test_every_output_carries_the_same_text(pipeline: Pipeline, stories: list[tuple[str, str]]) -> None:
    posted = {_post(pipeline, *story): story for story in stories}
    pipeline.tick()

    for article, (headline, standfirst) in posted.items():
        texts = _texts_on_page(pipeline.page_of(article)) | _texts_in_listings(pipeline, article)
        headlines, standfirsts = one_line(headline), one_line(standfirst)
        assert {name: text for name, text in texts.items() if "headline" in name and text != headlines} == {}
        assert {name: text for name, text in texts.items() if "standfirst" in name and text != standfirsts} == {}
        described = {text for name, text in texts.items() if "description" in name}
        assert [text for text in described if not standfirsts.startswith(text.removesuffix("\u2026"))] == []
        assert len({text for name, text in texts.items() if name.startswith("description on")}) == 1
        assert f"/{slug_of(headlines)}-" in str(pipeline.record(article).path)


def _post(pipeline: Pipeline, headline: str, standfirst: str) -> str:
    body = f"<p>{html.escape(headline)}</p>"
    now = pipeline.now.isoformat()
    return pipeline.post(
        source_id=str(uuid4()), version_created=now, headline=headline, standfirst=standfirst, body=body
    ).article


def _texts_on_page(page: str) -> dict[str, str]:
    """Return the texts of an article's page by their places."""
    root: Any = lxml_html.document_fromstring(page)

    def meta(name: str) -> str:
        return str(root.xpath("string(//meta[@name=$name or @property=$name]/@content)", name=name))

    article, crumbs = (json.loads(block.text) for block in root.xpath("//script[@type='application/ld+json']"))
    return {
        "headline in h1": root.findtext(".//h1"),
        "headline in title": root.findtext(".//title").removesuffix(" | EPN"),
        "headline in og:title": meta("og:title"),
        "headline in twitter:title": meta("twitter:title"),
        "headline in JSON-LD": article["headline"],
        "headline in breadcrumbs": crumbs["itemListElement"][-1]["name"],
        "standfirst on the page": root.findtext(".//p[@class='standfirst']"),
        "description on the page": meta("description"),
        "description on the page for og:description": meta("og:description"),
        "description on the page for twitter:description": meta("twitter:description"),
        "description on the page in JSON-LD": article["description"],
    }


def _texts_in_listings(pipeline: Pipeline, article: str) -> dict[str, str]:
    """Return the texts that feeds, the news sitemap, the search file and the front page give of an article."""
    name = f"urn:pressline:{article}"
    item = _find(pipeline.page("feed.xml"), "//item[guid=$name]", name)
    entry = _find(pipeline.page("atom.xml"), "//atom:entry[atom:id=$name]", name)
    (described,) = (each for each in json.loads(pipeline.page("feed.json"))["items"] if each["id"] == name)
    address = described["url"]
    news = _find(pipeline.page("sitemap-news.xml"), "//map:url[map:loc=$name]", address)
    (found,) = (
        each for each in json.loads(pipeline.page("search/recent.json"))["items"] if address.endswith(each["u"])
    )
    front: Any = lxml_html.document_fromstring(pipeline.page("index.html"))
    links = [link.text_content().strip() for link in front.xpath("//a") if link.get("href") == urlsplit(address).path]
    return {
        "headline in RSS": item.findtext("title"),
        "standfirst in RSS": html.unescape(item.findtext("description")),
        "headline in Atom": entry.findtext("atom:title", namespaces=NAMESPACES),
        "standfirst in Atom": entry.findtext("atom:summary", namespaces=NAMESPACES),
        "headline in the JSON feed": described["title"],
        "standfirst in the JSON feed": described["summary"],
        "headline in the news sitemap": news.findtext(".//news:title", namespaces=NAMESPACES),
        "headline in the search file": found["h"],
        "description in the search file": found["s"],
        **({"headline on the front page": max(links, key=len)} if links else {}),
    }


def _find(document: str, path: str, name: str) -> Any:
    """Return the one element of an XML document at a path; the path contains the variable `$name`."""
    root: Any = etree.fromstring(document.encode())
    (found,) = root.xpath(path, name=name, namespaces=NAMESPACES)
    return found
