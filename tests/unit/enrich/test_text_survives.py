"""A sender's text survives unchanged in meaning: order, numbers, formulas, notes, languages, addresses."""

from __future__ import annotations

import re

import pytest

from services.enrich.domain.sanitise import sanitise
from services.enrich.domain.text import description_of, text_of
from shared.model.article import SafeHtml

PAGE = "https://sender.example/news/story.html?id=1"


def shown(html: str, base_url: str | None = None) -> SafeHtml:
    return sanitise(html, base_url).body


def plain_text(html: str) -> str:
    return text_of(sanitise(html).body)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>A <a href='https://a.example/'><em>new <b>old</b></em> bridge</a>, they say.</p>",
            "A new old bridge, they say.",
        ),
        ("<p><b>One <i>two</i></b> three<i> four</i>.</p>", "One two three four."),
        ("<p>CO<sub>2</sub>, <b>un</b>signed<i>!</i></p>", "CO2, unsigned!"),
        ("<p><ruby>漢<rt>kan</rt>字<rt>ji</rt></ruby> ok</p>", "漢(kan)字(ji) ok"),
        ("<p><ruby>漢<rp>[</rp><rt>kan</rt><rp>]</rp></ruby> ok</p>", "漢[kan] ok"),
        ("<p>She said <q>no</q>.</p>", "She said “no”."),
        ("<ul><li>Fruit<ul><li>Plum</li></ul></li></ul>", "Fruit\n\nPlum"),
        ("<table><tr><td>a<p>b</p></td><td>c<br>d</td></tr></table>", "a b\tc d"),
        ("<p>12&nbsp;000\u202f€</p>", "12\u00a0000\u202f€"),
        ("<pre>a\n  b<br>c</pre>", "a\n  b\nc"),
    ],
)
def test_the_plain_text_has_the_words_in_the_order_of_reading(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_a_line_break_in_a_sub_head_is_a_space_in_its_name_and_anchor() -> None:
    sanitised = sanitise("<h2>Morning<br>The gauges fall</h2><h3>Noon <br/> gates</h3>")

    assert [(head.text, head.anchor) for head in sanitised.outline] == [
        ("Morning The gauges fall", "morning-the-gauges-fall"),
        ("Noon gates", "noon-gates"),
    ]
    assert "Morning<br>The" in sanitised.body


@pytest.mark.parametrize(
    ("html", "numbers"),
    [
        ("<ol><li>a<li>b</ol>", [1, 2]),
        ("<ol start=4><li>a<li>b</ol>", [4, 5]),
        ("<ol reversed><li>a<li>b</ol>", [2, 1]),
        ("<ol reversed='reversed' start=' +9'><li>a<li value=3>b<li>c</ol>", [9, 3, 2]),
        ("<ol start=-1><li>a<li value=x>b</ol>", [-1, 0]),
        ("<ol><li>a<li><li>c</ol>", [1, 3]),
        ("<ol reversed><li>a<li> <li>c</ol>", [3, 1]),
        ("<ol><li>a</li><p>between</p><li>b</li></ol>", [1, 2]),
        ("<ol><li>a</li><ul><li>inner</li></ul><li>b</li></ol>", [1, 2]),
        ("<ol>first<li>a<li>b</ol>", [1, 1, 2]),
    ],
)
def test_the_items_of_a_list_keep_the_numbers_that_a_browser_gives_them(html: str, numbers: list[int]) -> None:
    body = shown(html)
    numbers_in_text = re.findall(r"^(-?\d+)\. ", text_of(body), re.MULTILINE)

    assert list(map(int, numbers_in_text)) == numbers


def test_values_and_the_direction_of_counting_are_on_the_page() -> None:
    assert shown("<ol start=7 reversed=reversed><li value=5>a</li></ol>") == (
        '<ol start="7" reversed=""><li value="5">a</li></ol>'
    )


NOTES = """<p>Fish<sup id="r1"><a href="#n1">1</a></sup> and nets<a id="r2" href="#n2"><sup>[2]</sup></a></p>
<ol><li id="n1">Folio 3. <a href="#r1">↩</a></li><li id="n2"><p>Lost.</p><p><a href="#r2">↩</a></p></li></ol>"""


def links_of(body: str) -> dict[str, str]:
    """Return the first characters of the text at each target of a link."""
    found = {}
    for name in re.findall(r'href="#([^"]+)"', body):
        (after,) = re.findall(rf' id="{re.escape(name)}"[^>]*>(.*)', body)
        found[name] = re.sub("<[^>]*>", "", after.partition("</p>")[0].partition("</dt>")[0])[:8]
    return found


def test_footnotes_lead_to_their_notes_and_back() -> None:
    assert links_of(shown(NOTES)) == {
        "text_n1": "Folio 3.",
        "text_r1": "1 and ne",
        "text_n2": "Lost.",
        "text_r2": "[2]",
    }


def test_links_to_notes_are_not_words() -> None:
    assert plain_text(NOTES) == "Fish and nets\n\n1. Folio 3.\n\n2. Lost."


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ('<p><a name="n"></a>Note</p>', "Note"),
        ('<p><a name="n"></a></p><p>Note</p>', "Note"),
        ('<div id="n"><p>Note</p></div>', "Note"),
        ('<section id="n"><div><blockquote>Note</blockquote></div></section>', "Note"),
        ('<ol id="n"><li>Note</li></ol>', "Note"),
        ('<ol><li><p id="n"></p></li><li>Note</li></ol>', "Note"),
        ('<table><tr id="n"><td>Note</td></tr></table>', "Note"),
        ('<dl><dt id="n">Note</dt><dd>x</dd></dl>', "Note"),
        ('<h3 id="n">Note</h3>', "Note"),
        ('<p><b id="n"><p>Note</p></b></p>', "Note"),
        ('<font id="n">Note</font>', "Note"),
        ('<p>x</p><a name="n"></a><hr><p>Note</p>', "Note"),
    ],
)
def test_a_target_survives_if_its_element_does_not(target: str, text: str) -> None:
    body = shown(f'<p><a href="#n">mark</a></p>{target}')

    assert links_of(body) == {"text_n": text}


def test_only_linked_ids_stay_and_ids_are_distinct() -> None:
    body = shown(
        '<p id="epn-main"><a href="#epn-main">a</a></p><p id="location">b</p><p id="a b">c</p><p id="a-b">d</p>'
        '<p id="a b">e</p><p><a href="#a%20b">f</a><a href="#a-b">g</a></p><h2>Text n</h2>'
    )

    ids = re.findall(r' id="([^"]+)"', body)
    assert ids == ["text_epn-main", "text_a-b", "text_a-b-2", "text-n"]


def test_a_sub_head_never_has_the_id_of_a_part_of_the_page() -> None:
    assert [head.anchor for head in sanitise("<h2>EPN main</h2>").outline] == ["section-epn-main"]


def test_a_link_to_a_missing_target_keeps_its_text_and_is_reported() -> None:
    sanitised = sanitise('<p><a href="#gone">words</a></p>')

    assert sanitised.body == "<p>words</p>"
    assert sanitised.warnings == ("left out of the body: the address of 1 link(s): #gone",)


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("/a/b", "https://sender.example/a/b"),
        ("../sport/", "https://sender.example/sport/"),
        ("next.html", "https://sender.example/news/next.html"),
        ("?id=2", "https://sender.example/news/story.html?id=2"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example/x", "https://other.example/x"),
        ("#comments", "https://sender.example/news/story.html?id=1#comments"),
        ("story.html?id=1#k", "#text_k"),
        (f"{PAGE}#k", "#text_k"),
    ],
)
def test_a_relative_link_leads_to_the_senders_site(href: str, address: str) -> None:
    body = shown(f'<p id="k">x <a href="{href}">y</a></p>', PAGE)

    assert re.findall('href="([^"]+)"', body) == [address]


def test_a_relative_link_of_an_unknown_site_is_reported() -> None:
    sanitised = sanitise('<p><a href="../a">one</a> <a href="/b">two</a> <a href="mailto:d@a.example">three</a></p>')

    assert sanitised.body == '<p>one two <a href="mailto:d@a.example" rel="noopener">three</a></p>'
    assert sanitised.warnings == (
        "left out of the body: the address of 2 link(s): ../a, /b; relative addresses need canonical_url",
    )


def test_a_relative_frame_resolves_too() -> None:
    (embed,) = sanitise('<iframe src="/film"></iframe>', PAGE).embeds

    assert embed.url == "https://sender.example/film"


@pytest.mark.parametrize(
    ("math", "text"),
    [
        ("<mn>4.2</mn><mo>&times;</mo><msup><mn>10</mn><mn>6</mn></msup>", "4.2 \u00d7 10^6"),
        ("<mfrac><mn>1</mn><mn>3</mn></mfrac>", "1/3"),
        ("<mn>2</mn><mfrac><mn>1</mn><mn>3</mn></mfrac>", "2 1/3"),
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac><mi>c</mi>", "a/b c"),
        ("<msqrt><mi>x</mi></msqrt><mi>y</mi>", "√x y"),
        ("<msup><mi>x</mi><mi>n</mi></msup><mi>z</mi>", "x^n z"),
        ('<mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac>', "(n over k)"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a + b)/2"),
        ("<mi>E</mi><mo>=</mo><mi>m</mi><mo>&#x2062;</mo><msup><mi>c</mi><mn>2</mn></msup>", "E = mc^2"),
        ("<msup><mi>e</mi><mrow><mo>-</mo><mi>x</mi></mrow></msup>", "e^(-x)"),
        ("<msub><mi>H</mi><mn>2</mn></msub><mi>O</mi>", "H_2O"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "√(x + 1)"),
        ("<mroot><mn>8</mn><mn>3</mn></mroot>", "8^(1/3)"),
        ("<mi>sin</mi><mi>x</mi><mo>&lt;</mo><mn>1</mn>", "sin x < 1"),
        ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover><mi>k</mi>", "∑_1^n k"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a, b)"),
        ("<mtable><mtr><mtd>1</mtd><mtd>0</mtd></mtr><mtr><mtd>0</mtd><mtd>1</mtd></mtr></mtable>", "[1, 0; 0, 1]"),
        ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "_6^14C"),
        ("<semantics><mn>7</mn><annotation encoding='application/x-tex'>TeX</annotation></semantics>", "7"),
        ("plain 5", "plain 5"),
        ("<mfrac><mn>1</mn></mfrac>", "1"),
    ],
)
def test_a_formula_becomes_text(math: str, text: str) -> None:
    body = shown(f"<p>holds <math>{math}</math> litres</p>")

    assert text_of(body) == f"holds {text} litres"


def test_formulas_are_found_under_a_prefix_and_by_their_alternative_text() -> None:
    html = (
        '<p>a <mml:math><mml:msup><mml:mn>10</mml:mn><mml:mn>6</mml:mn></mml:msup></mml:math> <math alttext="pi"/></p>'
    )

    assert plain_text(html) == "a 10^6 pi"


def test_a_space_separates_a_whole_number_from_a_fraction() -> None:
    assert plain_text("<p>2<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math> cups</p>") == "2 1/2 cups"


def test_a_formula_without_text_is_reported() -> None:
    assert sanitise("<p>a <math></math> b</p>").warnings == ("left out of the body: 1 formula(s) without text",)


@pytest.mark.parametrize("tag", ["bdi", "cite", "em", "i", "q", "span", "strong"])
def test_language_and_direction_of_a_part_of_a_sentence_stay(tag: str) -> None:
    html = f'<p>نص <{tag} lang="en" dir="ltr">Pier 4</{tag}> نص</p>'

    assert shown(html) == html


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p>a <bdo dir=ltr>+1 202</bdo></p>", '<p>a <bdi dir="ltr">+1 202</bdi></p>'),
        ("<p>a <font lang=fr color=red>b</font></p>", '<p>a <span lang="fr">b</span></p>'),
        ("<p xml:lang='fr'>a <i xml:lang='en' lang='de'>b</i></p>", '<p lang="fr">a <i lang="de">b</i></p>'),
        ("<h2><div dir=ltr>a</div></h2>", '<h2 id="a"><span dir="ltr">a</span></h2>'),
        ("<dl><div lang=ar><dt>a</dt><dd>b</dd></div></dl>", '<dl><dt lang="ar">a</dt><dd lang="ar">b</dd></dl>'),
        ("<p>a <span class=x>b</span></p>", "<p>a b</p>"),
    ],
)
def test_language_and_direction_are_written_in_one_way(html: str, body: str) -> None:
    assert shown(html) == body


@pytest.mark.parametrize(
    "text",
    [
        "See https://a.example/?id=5&section=sport&copy=2&para=9",
        "AT&T, R&D; &amp; is &#38; &eacute; &nbsp; &lt;b&gt;",
        "3 < 4 & 5 > 4 <3 <IBM.N>",
    ],
)
def test_plain_text_is_never_read_as_html(text: str) -> None:
    assert plain_text(text) == text


def test_references_of_markup_are_decoded_once() -> None:
    assert plain_text("<p>&amp;amp; &lt;b&gt; &amp;lt;</p>") == "&amp; <b> &lt;"


def test_letters_are_composed_in_markup_and_plain_text() -> None:
    assert shown("<p>e\u0301 e&#x301;</p>") == "<p>\u00e9 \u00e9</p>"
    assert shown("e\u0301") == "<p>\u00e9</p>"
    assert shown("<p>a<b>\u0338x</b></p>") == "<p>a<b>\u0338x</b></p>"


@pytest.mark.parametrize(
    "unit",
    ["👩‍👩‍👧‍👦", "क्षत्रिय", "日本語", "กำลังน้ำ", "e\u0323\u0302x", "🇮🇳", "한국어", "1️⃣"],
)
@pytest.mark.parametrize("shift", range(4))
def test_a_description_never_ends_inside_a_grapheme_cluster(unit: str, shift: int) -> None:
    import regex

    text = "x" * shift + unit * 80
    sanitised = description_of(text, SafeHtml(""), "").removesuffix("…")

    assert 60 < len(sanitised) <= 160
    assert sanitised == "".join(regex.findall(r"\X", text)[: len(regex.findall(r"\X", sanitised))])


def test_a_description_ends_with_a_whole_word_and_never_at_a_no_break_space() -> None:
    french = (
        "La digue tient, dit le maire, et la facture de 12\u00a0000\u00a0€ reste à payer, « sans délai\u202f! » " * 3
    )
    sanitised = description_of(french, SafeHtml(""), "").removesuffix("…")

    assert french.startswith(sanitised + " ")


def test_links_with_a_refused_scheme_are_counted_by_scheme() -> None:
    links = ("javascript:x()", "ftp://a.example/", "mailto:a@b.example")
    sanitised = sanitise("<p>" + " ".join(f'<a href="{link}">words</a>' for link in links))

    assert "<a" in sanitised.body
    assert [each for each in sanitised.warnings if "links that a page cannot have" in each] == [
        "left out of the body: links that a page cannot have (1 to ftp:, 1 to javascript:); their words stay"
    ]


def test_many_spaces_before_an_address_take_linear_time() -> None:
    body = "<p><a href=" + " " * 99_000 + "x>words</a></p>"

    assert "words" in sanitise(body).body
