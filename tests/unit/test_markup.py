"""The guard before the HTML parsers: refused markup, accepted markup, and a depth that is never too small."""

from __future__ import annotations

import re

import nh3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model import markup
from shared.model.markup import check_markup
from shared.runtime.errors import HostileMarkupError

FITTING = [
    "",
    "plain text, 3 < 4 & so on",
    "<p>One<p>Two<p>Three",
    "<ul>" + "<li>item" * 1_000 + "</ul>",
    "<dl>" + "<dt>term<dd>what it means" * 1_000 + "</dl>",
    "<table>" + "<tr><td>1<td>2" * 1_000 + "</table>",
    "<table><thead>" + "<tr><th>a</th></tr>" * 500 + "</thead></table>",
    "<p>" * 5_000,
    "<br>" * 5_000 + "<hr>" * 5_000 + "<img src=a>" * 5_000,
    "<ul><li><p>a<li><p>b</ul>" * 500,
    "<p>one</p><ul><li>x</ul></p>" * 500,
    "<ruby>漢<rp>(<rt>かん<rp>)</ruby>" * 500,
    "<select>" + "<option>a" * 500 + "</select>",
    "<svg><title>t</title><g><path d='M0 0'/><style>a{}</style></g></svg><script>x()</script>" * 200,
    "<script>" + "<div>" * 1_000 + "</script>",
    "<!-- " + "<div>" * 1_000 + " -->",
    "<!DOCTYPE html><html><head><title>x</title></head><body><p>y</p></body></html>",
    "<p title='a > b' class=c data-x=\"</p><div>\">x</p>" * 500,
    "<div>" * 150 + "x" + "</div>" * 150,
    "<p><span>never closed</p>" * 90,
]

HOSTILE = [
    ("nested 201 deep", "<div>" * 20_000),
    ("nested 201 deep; the limit is 200", "<li><dd>" * 10_000),
    ("nested", "<table><tr><td>" * 500),
    ("nested 201", "<svg>" + "<td>" * 5_000),
    ("nested 201", "<div><span></div>" * 5_000),
    ("nested 201", "<div><!--</div>--></div></span><div>" * 1_000),
    ("attributes; the limit is 100", "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">"),
    ("more than 20000 attributes", ("<p " + "a b c d e f g h i j " * 5 + ">x</p>") * 1_000),
    ("more than 20000 tags", "<p>x</p>" * 15_000),
    ("more than 20000 tags and comments", "<!---->" * 20_001),
    ("characters long", "x" * 600_000),
    ("of the characters &, <", "&amp;" * 60_000),
    ("of the characters", "\u00a0" * 60_000),
    ("has a tag of", "<p title='" + "x" * 150_000 + "'>"),
    ("leaves bold", "".join(f"<p><b id={n}></p>" for n in range(80)) + "<p>x</p>" * 9_000),
    ("never ends", "<p>fine</p><p title='no end>the rest"),
    ("character 4 that never ends", "abc<!-- no end"),
    ("that never ends", "<p"),
    ("opens <iframe> and never closes it", "<iframe src='https://a.example/'/><p>the rest</p>"),
    ("opens <script>", "<script>" + "<" * 1_000),
    ("CDATA", "<svg><g><![CDATA[></g>]]>"),
    ("where parsers disagree", "<b><p></b><svg><desc><p></svg><style>"),
    ("plaintext", "<plaintext>all"),
]


@pytest.mark.parametrize("html", FITTING, ids=range(len(FITTING)))
def test_markup_as_newsrooms_write_it_passes(html: str) -> None:
    check_markup(html)


@pytest.mark.parametrize(
    ("reason", "html"), HOSTILE, ids=[f"{n}-{reason[:24]}" for n, (reason, _) in enumerate(HOSTILE)]
)
def test_markup_that_would_stall_a_parser_is_refused_with_a_plain_reason(reason: str, html: str) -> None:
    with pytest.raises(HostileMarkupError, match=re.escape(reason)) as refused:
        check_markup(html)

    assert str(refused.value).startswith("markup ")
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<",
            "</",
            "<!",
            "<!-",
            "<!--",
            "<!-->",
            "<?",
            "<a",
            "<a b",
            '<a b="',
            "<a b='",
            "<a b=",
            "<script",
            "<script>",
        ),
        *(
            "</script",
            "&",
            "<![CDATA[",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<b>",
            "<svg>",
            "<table>",
            "<a/",
            "--!>",
            "=",
        ),
    ],
)
def test_a_scan_of_any_repeated_markup_ends_soon(piece: str) -> None:
    """A scan in quadratic time would not end within the time-out of the suite."""
    for html in (piece * (500_000 // len(piece)), "<div>" + piece * (49_000 // len(piece)) + "</div>"):
        try:
            check_markup(html)
        except HostileMarkupError:
            continue


TAGS = re.findall(
    r"\S+",
    "div p span b i a font li ul ol dd dt dl table tr td th tbody caption colgroup select option svg g path title style"
    " foreignobject desc math mi button object template form h1 h2 blockquote br hr img input ruby rt rp section iframe"
    " textarea script noscript nobr em pre body x-y marquee",
)
VOID = {"br", "hr", "img", "input", "col"}
RAW = re.compile(r"<(style|title|iframe|textarea|script|noscript)>.*?</\1>", re.DOTALL)
EVERYTHING = nh3.Cleaner(tags={*TAGS, "foreignObject"}, clean_content_tags=set(), attributes={}, link_rel=None)


def depth_in_a_parser(html: str) -> int:
    """Return the depth to which html5ever nests it (the output of nh3 is well-formed)."""
    depth = deepest = 0
    for slash, name in re.findall(r"<(/?)([A-Za-z][^ >/]*)[^>]*>", RAW.sub("", EVERYTHING.clean(html))):
        if name.lower() not in VOID:
            depth += -1 if slash else 1
            deepest = max(deepest, depth)
    return deepest


chunked = st.one_of(
    st.sampled_from(TAGS).map("<{}>".format),
    st.sampled_from(TAGS).map("</{}>".format),
    st.sampled_from(TAGS).map("<{}/>".format),
    st.sampled_from(["x", "<!--</div>-->", "<![CDATA[x>]]>", '<a "x>"y">', "<div title='</div>'>", "</>", "<?x>"]),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(chunked, min_size=1, max_size=12), st.sampled_from([1, 150]))
def test_accepted_markup_nests_at_most_a_few_times_the_limit_in_a_parser(soup: list[str], times: int) -> None:
    html = "".join(soup) * times
    try:
        check_markup(html)
    except HostileMarkupError:
        return

    assert depth_in_a_parser(html) <= 2 * markup.MAX_DEPTH + 4
