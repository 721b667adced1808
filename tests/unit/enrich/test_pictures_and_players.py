"""Pictures, players and widgets of a body are shown, linked, or named to the sender in a warning."""

from __future__ import annotations

import pytest

from services.enrich.domain.sanitise import sanitise
from shared.model.article import Picture

BOAT, QUAY = "a" * 64, "b" * 64
KNOWN = {
    BOAT: Picture(media=BOAT, width=640, height=480, content_type="image/jpeg"),
    QUAY: Picture(
        media=QUAY, width=400, height=300, content_type="image/png", caption="The quay", credit="Handout", alt="A quay"
    ),
}


def shown(digest: str, size: str, alt: str = "") -> str:
    width, height, extension = size.split()
    return (
        f'<img src="/media/{digest}/{width}.{extension}" width="{width}" height="{height}" alt="{alt}"'
        ' loading="lazy" decoding="async">'
    )


SHOWN_BOAT, SHOWN_QUAY = shown(BOAT, "640 480 jpg", "A boat"), shown(QUAY, "400 300 png", "A quay")


@pytest.mark.parametrize(
    "address", [f"media:{BOAT}", BOAT, f"/media/{BOAT}/640.jpg", f"https://news.example/media/{BOAT}/640.jpg"]
)
def test_a_picture_with_known_bytes_is_shown(address: str) -> None:
    sanitised = sanitise(f'<p>Before</p><img src="{address}" alt="A boat" onerror=x><p>After</p>', pictures=KNOWN)

    assert sanitised.body == f"<p>Before</p>\n<figure>{SHOWN_BOAT}</figure>\n<p>After</p>"
    assert sanitised.warnings == ()


@pytest.mark.parametrize(
    ("html", "body"),
    [
        (
            "<figure><img src=media:{boat} alt='A boat'><figcaption>At <b>noon</b></figcaption></figure>",
            "<figure>{shown_boat}<figcaption>At <b>noon</b></figcaption></figure>",
        ),
        (
            "<p><a href=https://a.example/><img src=media:{boat} alt='A boat'></a></p>",
            '<figure><a href="https://a.example/" rel="noopener">{shown_boat}</a></figure>',
        ),
        (
            "<p>See <img src=media:{boat} alt='A boat'> there</p>",
            "<p>See {shown_boat} there</p>",
        ),
        (
            "<p><img src=media:{boat} alt='A boat'><img src=media:{quay}></p>",
            "<figure>{shown_boat}</figure>\n<figure>{shown_quay}<figcaption>The quay Handout</figcaption></figure>",
        ),
        (
            "<ul><li><img src=media:{boat} alt='A boat'></li></ul>",
            "<ul><li>{shown_boat}</li></ul>",
        ),
    ],
)
def test_a_picture_stays_where_its_sender_put_it(html: str, body: str) -> None:
    names = {"boat": BOAT, "quay": QUAY, "shown_boat": SHOWN_BOAT, "shown_quay": SHOWN_QUAY}
    sanitised = sanitise(html.format(**names), pictures=KNOWN).body

    assert sanitised == body.format(**names)
    assert sanitise(sanitised, pictures=KNOWN).body == sanitised


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p>The second, <img src=x alt='Map of 1932'>, shows it.</p>", "<p>The second, Map of 1932, shows it.</p>"),
        ("<p>The second, <img src=x>, shows it.</p>", "<p>The second, shows it.</p>"),
        ("<p>The map (<img src=x>) shows it.</p>", "<p>The map shows it.</p>"),
        ("<p>One <b>two</b>, <img src=x>, three.</p>", "<p>One <b>two</b>, three.</p>"),
        ("<p>One.</p><p><img src=x alt='A map'></p><p>Two.</p>", "<p>One.</p>\n<p>Two.</p>"),
    ],
)
def test_a_sentence_stays_whole_without_its_picture(html: str, body: str) -> None:
    assert sanitise(html).body == body


def test_missing_pictures_are_counted_and_named() -> None:
    sanitised = sanitise(
        "<p>x</p><img src=https://old.example/1.png><img data-src=//old.example/2.png><img alt='A map'>"
        f"<img src=media:{QUAY}><figure><img src=https://old.example/3.png><figcaption>In 1871</figcaption></figure>"
        "<img src=data:image/png;base64,AAAA>"
    )

    assert sanitised.body == "<p>x</p>"
    (warning,) = sanitised.warnings
    for name in ("6 pictures", "old.example/1.png", "old.example/2.png", "A map", f"media:{QUAY}", '"In 1871"'):
        assert name in warning


EDITORS_BOXES = [
    "<figure class=media><oembed url=https://video.example/w/1></oembed></figure>",
    "<div data-oembed-url=https://video.example/w/1><div style=height:0></div></div>",
    "<div data-oembed-url=https://video.example/w/1><iframe src=https://video.example/w/1></iframe></div>",
    "<iframe data-src=https://video.example/w/1></iframe>",
    "<video src=https://video.example/w/1></video>",
    "<video controls poster=x.jpg><source src=https://video.example/w/1 type=video/mp4>No film</video>",
    "<audio><source src=https://video.example/w/1></audio>",
    "<object data=https://video.example/w/1><param name=x value=y><embed src=https://video.example/w/2></object>",
    "<object><embed src=https://video.example/w/1></object>",
    "<embed src=https://video.example/w/1>",
    "<div class=fb-post data-href=https://video.example/w/1></div>",
    "<blockquote class=instagram-media data-instgrm-permalink=https://video.example/w/1></blockquote>",
    "<blockquote class=clip cite=https://video.example/w/1><section></section></blockquote>",
    "<p><span data-url=https://video.example/w/1></span></p>",
]


@pytest.mark.parametrize("html", EDITORS_BOXES)
def test_a_video_or_post_becomes_a_box_with_a_link(html: str) -> None:
    sanitised = sanitise(f"<p>Before</p>{html}<p>After</p>")

    assert sanitised.body.count('href="https://video.example/w/1"') == 1
    assert sanitised.body.startswith("<p>Before</p>")
    assert sanitised.body.endswith("<p>After</p>")
    assert [embed.url for embed in sanitised.embeds] == ["https://video.example/w/1"]
    assert sanitise(sanitised.body).body == sanitised.body


def test_the_text_inside_a_networks_box_stays() -> None:
    sanitised = sanitise(
        "<blockquote class=post data-instgrm-permalink=https://p.example/1><p>Said <a href=https://p.example/1>here</a>"
        "</p></blockquote><script src=https://p.example/embed.js></script>"
    )

    assert sanitised.body == (
        '<blockquote><p>Said <a href="https://p.example/1" rel="noopener">here</a></p></blockquote>'
    )
    assert sanitised.warnings == ("left out of the body: 1 <script> (loads https://p.example/embed.js)",)


@pytest.mark.parametrize(
    "html",
    [
        "<oembed url=javascript:alert(1)></oembed>",
        "<video><source src=film.mp4></video>",
        "<object data=film.swf></object>",
        "<audio></audio>",
        "<iframe srcdoc='<p>x</p>'></iframe>",
        "<canvas>A chart</canvas>",
        "<form><input name=q><button>Go</button></form>",
        "<script>chart()</script>",
        "<svg><text>A chart</text></svg>",
        "<map name=m><area href=https://a.example/></map>",
        "<template><p>x</p></template>",
        "<noscript><p>x</p></noscript>",
        "<lite-player videoid=1></lite-player>",
    ],
)
def test_each_element_that_cannot_be_shown_is_named(html: str) -> None:
    sanitised = sanitise(f"<p>Before</p>{html}<p>After</p>")

    name = html[1 : html.index(">")].split(maxsplit=1)[0]
    assert f"<{name}>" in " ".join(sanitised.warnings)
    assert sanitised.body == "<p>Before</p>\n<p>After</p>"
