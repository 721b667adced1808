"""The sanitiser: no markup that a browser would run, load or obey survives; the elements of news do."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.enrich.domain.sanitise import sanitise
from shared.runtime.errors import HostileMarkupError

SHOWN_TAGS = {
    *("a", "abbr", "aside", "b", "bdi", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "data", "dd"),
    *("del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "i", "ins", "kbd", "li"),
    *(
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
    ),
    *("td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "var", "wbr"),
}
SHOWN_ATTRIBUTES = {
    *(
        "abbr",
        "aria-label",
        "class",
        "colspan",
        "data-embed",
        "datetime",
        "dir",
        "href",
        "id",
        "lang",
        "rel",
        "reversed",
    ),
    *("role", "rowspan", "scope", "span", "start", "tabindex", "title", "type", "value"),
}
ADDRESSES = ("http://", "https://", "mailto:", "tel:", "#text_")


class FaultFinder(HTMLParser):
    """Collects the active content of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SHOWN_TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in SHOWN_ATTRIBUTES or name.startswith("on"):
                self.faults.append(f"{tag}[{name}]")
            if name in ("href", "data-embed") and not (value or "").lower().startswith(ADDRESSES):
                self.faults.append(f"{tag}[{name}={value}]")
            if name == "id" and tag not in ("h2", "h3", "h4") and not (value or "").startswith("text_"):
                self.faults.append(f"{tag}[id={value}]")
            if name == "class" and value not in ("embed", "table-scroll"):
                self.faults.append(f"{tag}[class={value}]")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data}")


def faults_of(body: str) -> list[str]:
    finder = FaultFinder()
    finder.feed(body)
    finder.close()
    return finder.faults


PAYLOADS = [
    "<script>steal()</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<p>x<script>a='</p>'</script >y",
    "<<script>script>steal()<</script>/script>",
    "<scr<script>ipt>steal()</scr</script>ipt>",
    "<img src=x onerror=steal()>",
    "<img src='x'onerror=steal()>",
    "<image href=x onerror=steal()>",
    "<IMG SRC=`javascript:steal()`>",
    "<p onclick=steal() onmouseover='steal()'>x</p>",
    "<p style='background:url(javascript:steal())'>x</p>",
    "<style>@import'//evil.example/x.css';p{behavior:url(#x)}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:steal()'>",
    "<base href='https://evil.example/'><a href='login'>x</a>",
    "<a href='javascript:steal()'>x</a>",
    "<a href=' &#14; javascript:steal()'>x</a>",
    "<a href='jav&#x09;ascript:steal()'>x</a>",
    "<a href='&#106;&#97;vascript&colon;steal()'>x</a>",
    "<a href='JaVaScRiPt:steal()'>x</a>",
    "<a href='vbscript:steal'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='view-source:https://a.example'>x</a>",
    "<a href='blob:https://a.example/1'>x</a>",
    "<a href='/\\evil.example'>x</a>",
    "<a href='https://bank.example@evil.example/'>x</a>",
    "<a href='https:///evil.example' ping='//evil.example' target=_top download>x</a>",
    "<iframe src='javascript:steal()'></iframe>",
    "<iframe srcdoc='<script>steal()</script>'></iframe>",
    "<iframe src='https://a.example/' onload=steal()><script>steal()</script></iframe>",
    "<iframe src='data:text/html,<script>steal()</script>'></iframe>",
    "<iframe src='https://a.example/' title='\"><script>steal()</script>'></iframe>",
    "<svg onload=steal()><script>steal()</script></svg>",
    "<svg><a xlink:href='javascript:steal()'><text>x</text></a></svg>",
    "<svg><animate onbegin=steal() attributeName=x></svg>",
    "<svg><style><img src=x onerror=steal()></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=steal()&gt;'></math>",
    "<math href='javascript:steal()'><mi>x</mi></math>",
    "<svg><desc><p><style><a id='</style><img src=1 onerror=steal()>'></a></style></p></desc></svg>",
    "<form action='javascript:steal()'><button formaction='javascript:steal()'>x</button>",
    "<form><input autofocus onfocus=steal()><select onfocus=steal() autofocus><option>x</select></form>",
    "<object data='javascript:steal()'><embed src='javascript:steal()'></object>",
    "<video src=x onerror=steal()><source onerror=steal()></video><audio src onloadstart=steal()></audio>",
    "<details open ontoggle=steal()><summary>x</summary>y</details>",
    "<noscript><p title='</noscript><img src=x onerror=steal()>'></noscript>",
    "<noembed><p title='</noembed><script>steal()</script>'></noembed>",
    "<textarea></textarea><script>steal()</script>",
    "<textarea><p title='</textarea><img src=x onerror=steal()>'></textarea>",
    "<title><p title='</title><svg onload=steal()>'></title>",
    "<xmp><p title='</xmp><script>steal()</script>'></xmp>",
    "<template><script>steal()</script></template>",
    "<marquee onstart=steal()>x</marquee>",
    "<table background='javascript:steal()'><td background=x><form><table></form><script>steal()</script></table>",
    "<!--><script>steal()</script>-->",
    "<!--!><img src=x onerror=steal()>-->",
    "<!-- --!><script>steal()</script> -->",
    "<![CDATA[><script>steal()</script>]]>",
    "<?xml-stylesheet href='javascript:steal()'?><p>x",
    "<!DOCTYPE html SYSTEM 'file:///etc/passwd'><p>&xxe;</p>",
    "<a href=https://a.example/ onclick=steal()//>x</a>",
    "<a/href='javascript:steal()'/onclick=steal()>x</a>",
    "<p id=location name=cookie class=modal-open>clobbered</p><a id=x name=y href=https://a.example>z</a>",
    "<abbr title='\"><script>steal()</script>'>x</abbr>",
    "<div data-embed=javascript:steal() role=alert aria-label=x tabindex=9>x</div>",
    "<a data-embed='javascript:steal()' href='https://a.example'>x</a>",
    "<p class='embed'><a href='javascript:steal()' data-embed='data:x'>x</a></p>",
    "<p>a\x00<scr\x00ipt>steal()</scr\x00ipt></p>",
    "<p>+ADw-script+AD4-steal()+ADw-/script+AD4-</p>",
    "<portal src=https://evil.example></portal><fencedframe></fencedframe>",
    "<slot onslotchange=steal()>x</slot><x-y onfocus=steal() tabindex=1 autofocus>z</x-y>",
    "<h2 onclick=steal() id='x\"><script>steal()</script>'>Sub-head</h2>",
    "<time datetime='\"><script>'>x</time><td colspan='1;steal()'>y</td>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("around", ["{}", "<p>before {} after</p>", "<table><tr><td>{}</td></tr></table>"])
def test_no_active_content_survives(payload: str, around: str) -> None:
    try:
        body = sanitise(around.format(payload)).body
    except HostileMarkupError:
        return  # refused: nothing is shown

    assert faults_of(body) == []


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 20_000 + "</div>" * 20_000,
        "<p " + " ".join(f"a{n}" for n in range(50_000)) + ">x</p>",
        "<table>" * 400,
        "<b>" * 400,
    ],
)
def test_markup_that_slows_parsers_is_refused_before_parsing(html: str) -> None:
    with pytest.raises(HostileMarkupError):
        sanitise(html)


def test_the_elements_of_news_survive() -> None:
    html = (
        '<p>A <strong>bold</strong> <em>word</em>, <a href="https://a.example/x?y=1&amp;z=2">a link</a>,'
        " H<sub>2</sub>O.</p>\n"
        "<ul><li>one</li><li>two</li></ul>\n"
        '<ol start="3"><li>three</li></ol>\n'
        "<blockquote><p>Quoted.</p></blockquote>\n"
        "<pre>code\n  more</pre>"
    )

    assert sanitise(html).body == html.replace('z=2"', 'z=2" rel="noopener"')


def test_a_text_without_any_tag_becomes_paragraphs() -> None:
    body = sanitise("The first line\nis wrapped.\n\nShares of <IBM.N> rose; 3 < 4 & so on.").body

    assert body == ("<p>The first line is wrapped.</p>\n<p>Shares of &lt;IBM.N&gt; rose; 3 &lt; 4 &amp; so on.</p>")


@pytest.mark.parametrize(
    "html",
    [
        '<p>Public.</p><section class="np-nonpublic"><h2>Desk</h2><p>Call 0555-0199</p></section>',
        '<p>Public.</p><div class="box np-nonpublic">0555-0199</div>',
        '<p>Public. <span class="NP-NonPublic">0555-0199</span></p>',
        '<p>Public.</p><table><tr><td class="np-nonpublic">0555-0199</td></tr></table>',
        '<p>Public.</p><section class="np-nonpublic"><div><section>0555</section>-0199</div><p>0555-0199',
        "<p>Public.</p><!-- 0555-0199 -->",
        (
            "<p>Public.</p><!-- EMBED START Image {id: '0555-0199'} --><figure><img src='https://a.example/0555-0199'>"
            "<figcaption>0555-0199</figcaption></figure><!-- EMBED END Image {id: '0555-0199'} -->"
        ),
    ],
)
def test_a_non_public_part_is_removed_with_its_content(html: str) -> None:
    assert sanitise(html).body == "<p>Public.</p>"


def test_bidirectional_controls_are_removed() -> None:
    sanitised = sanitise("<p>in\u202evoice &#x202E;\u2066exe\u2069 &#8237;<bdo dir=rtl>abc</bdo>\ufeff</p>")

    assert sanitised.body == '<p>invoice exe <bdi dir="rtl">abc</bdi></p>'
    assert "control characters" in sanitised.warnings[0]


def test_directional_marks_and_joiners_stay() -> None:
    html = "<p>\u0645\u06cc\u200c\u062e\u0648 \u200f\u0639\u0631\u0628\u064a\u200e \u0915\u094d\u200d\u0937</p>"

    assert sanitise(html).body == html


def test_quotation_marks_in_the_wrong_encoding_are_corrected() -> None:
    assert sanitise("<p>\x93It\x92s here\x94 \x96 yes</p>").body == "<p>\u201cIt\u2019s here\u201d \u2013 yes</p>"


def test_a_paid_link_stays_marked_and_others_get_no_nofollow() -> None:
    body = sanitise(
        '<p><a rel="Sponsored ugc me" target=_blank href="https://a.example/">paid</a> '
        '<a href="//b.example/x y">free</a> <a href="/ours">ours</a></p>'
    ).body

    assert body == (
        '<p><a href="https://a.example/" rel="noopener sponsored ugc">paid</a> '
        '<a href="https://b.example/x%20y" rel="noopener">free</a> ours</p>'
    )


def test_each_removed_element_has_a_warning() -> None:
    sanitised = sanitise(
        "<p>x</p><svg><text>a chart</text></svg><script src=https://w.example/w.js></script><svg></svg>"
        "<img src=https://a.example/1.jpg><video src=x></video><iframe src='about:blank'></iframe>"
    )

    advice = 'send the bytes to POST /v1/media, write <img src="media:{digest}"> here, and send the article again'
    assert [warning.removeprefix("left out of the body: ") for warning in sanitised.warnings] == [
        "1 <script>, 2 <svg> (loads https://w.example/w.js)",
        f"1 picture whose bytes are not known here (https://a.example/1.jpg); {advice}",
        "2 player(s) without an http or https address: <video> (x), <iframe>",
    ]


FRAGMENTS = [
    *(
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<a href='https://a.example/'>",
        "</a>",
        "<div>",
        "</div>",
        "<br>",
        "<br><br>",
        "<hr>",
    ),
    *("<ul>", "<li>", "</ul>", "<ol>", "</ol>", "<dl>", "<dt>", "<dd>", "</dl>", "<table>", "<tr>", "<td>", "</table>"),
    *("<caption>", "<thead>", "<th>", "<h1>", "</h1>", "<h3>", "</h3>", "<blockquote>", "</blockquote>", "<figure>"),
    *(
        "<figcaption>",
        "</figure>",
        "<pre>",
        "</pre>",
        "<img src=x>",
        "<span class=np-nonpublic>",
        "</span>",
        "<script>",
    ),
    *(
        "</script>",
        "<svg>",
        "</svg>",
        "<math>",
        "<style>",
        "</style>",
        "<!--",
        "-->",
        "<iframe src='https://b.example/'>",
    ),
    *("</iframe>", "<a data-embed='https://c.example/'>", "<p dir=rtl>", "<q>", "</q>", "<ruby>", "<rt>", "<select>"),
    *(
        "word",
        " ",
        "\n",
        "\n\n",
        "&amp;",
        "&lt;b&gt;",
        "&nbsp;",
        "\u202e",
        "\x00",
        "\x0c",
        "😀",
        "'",
        '"',
        "=",
        "<",
        ">",
        "</",
    ),
    *(
        "<summary>",
        "<details>",
        "<center>",
        "<font color=red>",
        "<em>",
        "</em>",
        "<td class=x>",
        "<menu>",
        "<bdo dir=rtl>",
    ),
    *(
        "<ol start=4 reversed>",
        "<li value=9>",
        "<span lang=en dir=ltr>",
        "<span id=n2>",
        "<a name=n1>",
        "<a href='#n1'>",
    ),
    *(
        "<a href='#n2'>",
        "<li id=n3>",
        "<a href='#n3'>",
        "<td id=n4>",
        "<a href='#n4'>",
        "<a href='../x'>",
        "<sup id=n5>",
    ),
    *("<a href='#n5'>", "</sup>", "<mfrac>", "<mn>", "</mn>", "</mfrac>", "<msup>", "<mtext>", "</math>", "<mi>", "5"),
    *("<nobr>", "<object>", "</object>", "<template>", "</template>", "<textarea>", "</textarea>", "<form>", "<input>"),
]
soup = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=25).map("".join)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(soup)
@example("<p><iframe src=https://b.example/></iframe><b>x")
@example("<a href=https://a.example/><p>x<ul><li>y</a>")
def test_any_tag_soup_is_refused_or_becomes_a_safe_and_stable_body(html: str) -> None:
    try:
        sanitised = sanitise(html)
    except HostileMarkupError:
        return

    assert faults_of(sanitised.body) == []
    assert sanitise(sanitised.body or "<p></p>").body == sanitised.body
