"""The shape of a body: sub-heads with anchors, tables that scroll, boxes for embeds, paragraphs for everything else."""

from __future__ import annotations

import pytest

from services.enrich.domain.sanitise import sanitise


def test_sub_heads_get_stable_and_distinct_anchors() -> None:
    sanitised = sanitise(
        "<h2>The talks</h2><p>a<h2>The talks</h2><p>b<h2>वार्ता</h2><p>c<h2>😀</h2><p>d<h2>The talks 2</h2>"
    )

    assert [head.anchor for head in sanitised.outline] == [
        "the-talks",
        "the-talks-2",
        "वार्ता",
        "section-4",
        "the-talks-2-2",
    ]
    assert all(f'<h2 id="{head.anchor}">' in sanitised.body for head in sanitised.outline)


def test_sub_heads_start_below_the_headline_and_skip_no_level() -> None:
    sanitised = sanitise("<h1>One</h1><p>a</p><h4>Two</h4><p>b</p><h6>Three</h6><p>c</p><h5>Four</h5>")

    assert [(head.level, head.text) for head in sanitised.outline] == [
        (2, "One"),
        (3, "Two"),
        (4, "Three"),
        (4, "Four"),
    ]


def test_a_table_scrolls_in_a_box_that_its_caption_labels() -> None:
    body = sanitise("<table><caption>Results, <b>by seat</b></caption><tr><td>1</td></tr></table>").body

    assert body == (
        '<div class="table-scroll" tabindex="0" role="group" aria-label="Results, by seat"><table><caption>Results,'
        " <b>by seat</b></caption><tbody><tr><td>1</td></tr></tbody></table></div>"
    )


def test_a_table_without_a_caption_has_no_label() -> None:
    body = sanitise("<table><tr><td>1</td></tr></table>").body

    assert body.startswith('<div class="table-scroll" tabindex="0"><table>')


def test_a_frame_becomes_a_link_and_is_listed() -> None:
    sanitised = sanitise(
        '<p>See <iframe src="//www.video.example/e/1?a=1&amp;b=2" title="The film"></iframe>and more</p>'
    )

    assert sanitised.body == (
        '<p>See</p>\n<p class="embed"><a href="https://www.video.example/e/1?a=1&amp;b=2"'
        ' rel="noopener nofollow external" data-embed="https://www.video.example/e/1?a=1&amp;b=2">The film</a></p>\n'
        "<p>and more</p>"
    )
    assert [(each.url, each.title, each.provider) for each in sanitised.embeds] == [
        ("https://www.video.example/e/1?a=1&b=2", "The film", "video.example")
    ]


def test_a_frame_without_https_is_only_a_link() -> None:
    sanitised = sanitise('<iframe src="http://video.example/e/1"></iframe>')

    assert sanitised.body == ('<p><a href="http://video.example/e/1" rel="noopener nofollow">video.example</a></p>')
    assert sanitised.embeds == ()


def test_a_removed_picture_removes_only_its_caption() -> None:
    sanitised = sanitise(
        "<p>a</p><figure><img src=x><figcatpion>Misspelt</figcaption></figure>"
        "<div class=media-block><img src=x><span>Older box</span></div><p>b <img src=x> c</p>"
        "<figure><img src=x><blockquote>Said</blockquote><figcaption>Who</figcaption></figure>"
    )

    assert sanitised.body == (
        "<p>a</p>\n<p>b  c</p>\n<figure><blockquote><p>Said</p></blockquote><figcaption>Who</figcaption></figure>"
    )
    assert "4 pictures" in sanitised.warnings[0]
    assert 'its caption "Misspelt"; its caption "Older box"' in sanitised.warnings[0]


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p></p><p>&nbsp;</p><p><br></p><p>x</p><h2> </h2>", "<p>x</p>"),
        ("one<br><br>two", "<p>one</p>\n<p>two</p>"),
        ("<div><div>one</div>two<p>three</p></div>", "<p>one</p>\n<p>two</p>\n<p>three</p>"),
        ("<p>one<br>two</p>", "<p>one<br>two</p>"),
        ("<b><p>one</p>two</b>", "<p><b>one</b></p>\n<p><b>two</b></p>"),
        (
            "<a href=https://a.example/><h2>x</h2></a>",
            '<h2 id="x"><a href="https://a.example/" rel="noopener">x</a></h2>',
        ),
        ("<li>stray<li>items", "<ul><li>stray</li><li>items</li></ul>"),
        ("<ul>stray<li>item</li><p>para</p></ul>", "<ul><li>stray</li><li>item</li><li>para</li></ul>"),
        ("<dl><div><dt>t</dt><dd><p>d</p></dd></div></dl>", "<dl><dt>t</dt><dd>d</dd></dl>"),
        ("<blockquote>said<cite>who</cite></blockquote>", "<blockquote><p>said<cite>who</cite></p></blockquote>"),
        ("<p dir=rtl>a<br><br>b</p>", '<p dir="rtl">a</p>\n<p dir="rtl">b</p>'),
        ("<details><summary>s</summary>text</details>", "<p>s</p>\n<p>text</p>"),
        (
            "<figure><blockquote>q</blockquote><figcaption>w</figcaption></figure>",
            "<figure><blockquote><p>q</p></blockquote><figcaption>w</figcaption></figure>",
        ),
        ("<strike>a</strike> <tt>b</tt> <font color=red>c</font>", "<p><s>a</s> <code>b</code> c</p>"),
    ],
)
def test_each_block_is_written_in_one_way(html: str, body: str) -> None:
    assert sanitise(html).body == body
