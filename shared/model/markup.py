"""A guard before every HTML parser: refuses markup that would take more than linear time to parse.

HTML parsers take quadratic time for deep nesting, for many attributes of one tag, and for unclosed formatting (each
later paragraph repeats it). This scan reads each character a bounded number of times and builds no tree.

Only a parser knows the exact depth, so the scan never counts less than a parser nests. It counts exactly while markup
is tidy: each end tag matches its start tag, except tags that HTML lets an author omit (p, li, td and the like). From
the first untidy tag on, an end tag closes only the innermost element. So untidy markup counts as a little deeper than
it is.

Source of the rules: HTML Living Standard, 13.2.5 (tokenization) and 13.2.6 (tree construction).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NoReturn

from shared.runtime.errors import HostileMarkupError

# The reason for each limit. Times were measured with nh3 0.3.8 on one core of a busy machine, November 2026. An article
# of 1,000 words has 100 tags and is scanned in 0.2 ms; a refusal costs at most 0.15 s. Of sixty tried bodies that pass,
# the slowest take nh3 0.12 s (14,000 long entities) and 0.07 s (20,000 misplaced paragraphs in a table).
MAX_CHARS = 500_000  # 80,000 words; each body is scanned about ten times in the pipeline
MAX_DEPTH = 200  # 20,000 nested <div> (100 KB): 1.2 s; 20,000 tags at a depth of 200: 10 ms
MAX_TAGS = 20_000  # misplaced tags in a <table> are quadratic: 20,000 take 0.13 s, 40,000 take 0.5 s
MAX_TAG_CHARS = 100_000  # a picture pasted into its own tag (data:) is common and dropped later; longer is an attack
MAX_ATTRIBUTES = 20_000  # 1 microsecond each
MAX_ATTRIBUTES_OF_A_TAG = 100  # 50,000 on one tag: 0.9 s; 100 on each of 200 tags: 10 ms
MAX_ESCAPES = 50_000  # of &, < and no-break space, each of which is written as an entity: 250,000 take 1.3 s
MAX_REPEATED_FORMATTING = 60_000  # 100 open <b id=…> before 20,000 paragraphs: 2 million elements, 14 MB, 2.7 s


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _words(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr"
)
_IGNORED_IN_BODY = _words("html head body frameset")
_RAW_TEXT = _words("iframe noembed noframes noscript script style textarea title xmp")
_VOID_EVERYWHERE = _words("br embed hr img meta")  # these end an svg, so that they are void there too
_FORMATTING = _words("a b big code em font i nobr s small strike strong tt u")
_FOREIGN = _words("svg math")
_HTML_IN_FOREIGN = _words("foreignobject desc title mi mo mn ms mtext annotation-xml")
_HEADINGS = _words("h1 h2 h3 h4 h5 h6")
_NOT_INSIDE_ITSELF = _words("a nobr button form select")

_FITS_IN_SELECT = _words("option optgroup")
_NOTHING: frozenset[str] = frozenset()
_ENDS_IMPLIED = _words("applet button dd dt li marquee object select template")

_IMPLIED_END = _words("dd dt li optgroup option p rb rp rt rtc")
_RUBY_TEXT = _words("rt rp")
_CELL = _words("td th")
_ROW = _CELL | {"tr"}
_ROW_GROUP = _words("tbody thead tfoot")
_TABLE_PART = _ROW | _ROW_GROUP | {"caption", "colgroup"}
_TABLE_CONTEXT = _words("table tr colgroup") | _ROW_GROUP
_LEFT_OUT_IN_TABLE = _IMPLIED_END | _TABLE_PART
_FITS_IN_TABLE = _TABLE_PART | {"col", "script", "style", "template"}

_BLOCKS = _HEADINGS | _words(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer header hgroup"
    " listing main menu nav ol pre search section summary ul"
)
_CLOSES_P = _BLOCKS | _words("p dd dt li form hr table xmp")
_BREAKS_OUT_OF_FOREIGN = _HEADINGS | _words(
    "b big blockquote body br center code dd div dl dt em embed font head hr i img li listing menu meta nobr ol p pre"
    " ruby s small span strong strike sub sup table tt u ul var"
)

_SIBLINGS = {
    "li": _words("li"),
    "dt": _words("dt dd"),
    "dd": _words("dt dd"),
    "option": _words("option"),
    "rt": _RUBY_TEXT,
    "rp": _RUBY_TEXT,
    "td": _CELL,
    "th": _CELL,
    "tr": _ROW | {"colgroup"},
    "tbody": _TABLE_PART,
    "thead": _TABLE_PART,
    "tfoot": _TABLE_PART,
    "colgroup": _words("caption colgroup"),
}
"""A start tag ends these before it, without an end tag."""

_PARENTS = {
    "li": _words("ul ol menu dir"),
    "dt": _words("dl"),
    "dd": _words("dl"),
    "option": _words("select optgroup datalist"),
    "optgroup": _words("select"),
    "rt": _words("ruby"),
    "rp": _words("ruby"),
    "td": _TABLE_CONTEXT,
    "th": _TABLE_CONTEXT,
    "tr": _ROW_GROUP | {"table"},
    "tbody": _words("table"),
    "thead": _words("table"),
    "tfoot": _words("table"),
    "caption": _words("table"),
    "colgroup": _words("table"),
}
"""The parents in which a tag's end may be omitted; with any other parent the markup is untidy."""

_SPACE = "\t\n\f\r "
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])")
_NAME = re.compile(rf"[A-Za-z][^{_SPACE}/>]*+")
_GAP = re.compile(rf"[{_SPACE}/]*+")
_ATTRIBUTE_NAME = re.compile(rf"[^{_SPACE}/>][^{_SPACE}/>=]*+")
_EQUALS = re.compile(rf"[{_SPACE}]*+=[{_SPACE}]*+")
_UNQUOTED = re.compile(rf"[^{_SPACE}>]*+")
_RAW_END = {name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII) for name in _RAW_TEXT}


_BODY_TAGS = (
    "a abbr address applet article aside audio b bdi bdo big blockquote body br button canvas caption center cite"
    " code dd del details dfn dir div dl dt em embed fieldset figcaption figure font footer form frameset h1 h2 h3 h4"
    " h5 h6 head header hr html i iframe img input ins kbd li link main mark math menu meta nav noscript object ol p"
    " picture pre q s samp script section select small span strike strong style sub summary sup svg table tbody"
    " td template textarea tfoot th thead title tr tt u ul video wbr"
)
_KNOWN_TAG = re.compile(rf"<(?:!--|!doctype|\?xml|/?(?:{_BODY_TAGS.replace(' ', '|')})(?=[\s/>]))", re.IGNORECASE)


def has_markup(text: str) -> bool:
    """Tell whether a body has an HTML tag and so is not plain text. `<IBM.N>` is a ticker, not a tag."""
    return _KNOWN_TAG.search(text) is not None


def check_markup(html: str) -> None:
    """Return if an HTML parser will read `html` in linear time.

    Raises:
        HostileMarkupError: the markup is too large, too deep or too dense, or a part of it never ends: a parser would
            drop the rest of the article silently. The message is for the sender.
    """
    if len(html) > MAX_CHARS:
        _refuse(f"is {len(html)} characters long; the limit is {MAX_CHARS}")
    escapes = html.count("&") + html.count("<") + html.count("\u00a0")
    if escapes > MAX_ESCAPES:
        _refuse(f"holds {escapes} of the characters &, < and no-break space; the limit is {MAX_ESCAPES}")
    _Scan(html).run()


def _refuse(reason: str) -> NoReturn:
    raise HostileMarkupError(f"markup {reason}")


def _refuse_endless(start: int) -> NoReturn:
    _refuse(f"begins a tag or comment at character {start + 1} that never ends")


def _lower(name: str) -> str:
    """Return a tag's name in lower case as parsers do: they keep the Kelvin sign in `<lin\u212a>`."""
    return name.lower() if name.isascii() else name


class _Scan:
    """Finds tags exactly as a parser's tokenizer does, also after comments, quotes and raw text."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._nesting = _Nesting()
        self._tags = 0
        self._attributes = 0

    def run(self) -> None:
        position = 0
        while found := _MARKUP.search(self._html, position):
            self._tags += 1
            if self._tags > MAX_TAGS:
                _refuse(f"has more than {MAX_TAGS} tags and comments")
            position = self._after(found.start())

    def _after(self, start: int) -> int:
        """Return the end of the tag or comment that begins at `start`."""
        html = self._html
        if html.startswith("<!--", start):
            return self._after_comment(start)
        is_end = html[start + 1] == "/"
        name_match = _NAME.match(html, start + 1 + is_end)
        if name_match is None:
            if html.startswith("<![CDATA[", start) and self._nesting.is_unsure:
                _refuse("has a CDATA section inside svg or math")
            return self._end_of(">", start, start)
        end, is_self_closing = self._after_attributes(name_match.end(), start)
        name = _lower(name_match.group())
        if is_end:
            self._nesting.close(name)
            return end
        if name == "plaintext":
            _refuse("has <plaintext>, after which parsers read no markup")
        has_raw_text = self._nesting.open(name, is_self_closing=is_self_closing)
        return self._after_raw_text(name, end) if has_raw_text else end

    def _after_comment(self, start: int) -> int:
        html = self._html
        if html.startswith(("<!-->", "<!--->"), start):
            return html.index(">", start) + 1
        end = self._end_of("-->", start + 4, start)
        bang = html.find("--!>", start + 4, end)
        return end if bang < 0 else bang + 4

    def _after_raw_text(self, name: str, start: int) -> int:
        found = _RAW_END[name].search(self._html, start)
        if found is None:
            _refuse(f"opens <{name}> and never closes it, which hides the rest of the text")
        return self._after_attributes(found.end(), found.start())[0]

    def _after_attributes(self, position: int, start: int) -> tuple[int, bool]:
        """Return the end of a tag, and whether the tag is self-closing (`/>`)."""
        html = self._html
        if html.startswith(">", position):
            return position + 1, False
        count = 0
        while True:
            gap = _GAP.match(html, position)
            position = gap.end() if gap else position
            if html.startswith(">", position):
                break
            name = _ATTRIBUTE_NAME.match(html, position)
            if name is None:
                _refuse_endless(start)
            count += 1
            position = self._after_value(name.end(), start)
        self._attributes += count
        if count > MAX_ATTRIBUTES_OF_A_TAG:
            _refuse(f"has a tag with {count} attributes; the limit is {MAX_ATTRIBUTES_OF_A_TAG}")
        if self._attributes > MAX_ATTRIBUTES:
            _refuse(f"has more than {MAX_ATTRIBUTES} attributes")
        if position - start > MAX_TAG_CHARS:
            _refuse(f"has a tag of {position - start} characters; the limit is {MAX_TAG_CHARS}")
        return position + 1, gap is not None and gap.group().endswith("/")

    def _after_value(self, position: int, start: int) -> int:
        equals = _EQUALS.match(self._html, position)
        if equals is None:
            return position
        quote = self._html[equals.end() : equals.end() + 1]
        if quote in ('"', "'"):
            return self._end_of(quote, equals.end() + 1, start)
        unquoted = _UNQUOTED.match(self._html, equals.end())
        return unquoted.end() if unquoted else equals.end()

    def _end_of(self, text: str, position: int, start: int) -> int:
        """Return the end of the next `text`. A missing one ends the scan, so that no part is searched twice."""
        found = self._html.find(text, position)
        if found < 0:
            _refuse_endless(start)
        return found + len(text)


class _Nesting:
    """The stack of open elements: exact while the markup is tidy, never too small after that.

    Inside svg and math other rules apply: raw text of HTML is markup there. In untidy markup their begin and end are
    not certain (`is_unsure`): then every element counts, and raw text is refused.
    """

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._counts: Counter[str] = Counter()
        self._formatting = 0  # the number of open formatting elements
        self._repeated = 0
        self._is_tidy = True
        self.is_unsure = False

    def open(self, name: str, *, is_self_closing: bool) -> bool:
        """Add a start tag; return whether raw text follows, up to its end tag."""
        self._count_repetition()
        if self.is_unsure:
            return self._open_unsure(name, is_self_closing=is_self_closing)
        if name in _IGNORED_IN_BODY:
            return False
        self._close_before(name)
        if self.is_unsure:
            return self._open_unsure(name, is_self_closing=is_self_closing)
        if name in _RAW_TEXT:
            return True
        if name in _FOREIGN:
            self.is_unsure = not (self._is_tidy and is_self_closing)
            if not self.is_unsure:
                return False
        if name not in _VOID:
            self._push(name)
        return False

    def close(self, name: str) -> None:
        """Add an end tag."""
        self._count_repetition()
        if name == "form" and not self._is_tidy:
            return  # a parser closes the form that its form pointer names, or none
        if self._top() == name:
            self._pop()
            if self._is_tidy and name in _FOREIGN:
                self.is_unsure = any(self._counts[each] for each in _FOREIGN)
        elif self._is_tidy and name not in _IGNORED_IN_BODY and name != "br":
            self._close_across_implied(name)

    def _open_unsure(self, name: str, *, is_self_closing: bool) -> bool:
        if self._is_tidy and (name in _BREAKS_OUT_OF_FOREIGN or self._top() in _HTML_IN_FOREIGN):
            self._become_untidy()
        if self._is_tidy:
            if not is_self_closing:
                self._push(name)
            return False
        if name in _RAW_TEXT:
            _refuse(f"has <{name}> after unclosed svg, math or select, where parsers disagree about it")
        if name not in _VOID_EVERYWHERE:
            self._push(name)
        return False

    def _close_before(self, name: str) -> None:
        """Close the elements that a start tag ends; become untidy if a parser might close others."""
        if name in _CLOSES_P and self._top() == "p":
            self._pop()
        if self._is_tidy and self._is_out_of_order(name):
            self._become_untidy(name)
        siblings = _SIBLINGS.get(name, _NOTHING)
        if self._is_tidy and name in _TABLE_PART:
            siblings |= _IMPLIED_END
        if not self._is_tidy and name in _RUBY_TEXT:
            siblings = _NOTHING  # without a ruby element, parsers nest these
        while self._top() in siblings:
            self._pop()
        if self._is_tidy and name in _PARENTS and self._top() not in _PARENTS[name]:
            self._become_untidy(name)

    def _is_out_of_order(self, name: str) -> bool:
        top = self._top()
        if name in _TABLE_PART:
            return self._nearest_but(_LEFT_OUT_IN_TABLE) != "table"
        if name in _RUBY_TEXT:
            return self._nearest_but(_RUBY_TEXT) != "ruby"
        return (
            (name in _CLOSES_P and self._counts["p"] > 0)
            or (name in _HEADINGS and top in _HEADINGS)
            or (name in _NOT_INSIDE_ITSELF and self._counts[name] > 0)
            or (self._counts["select"] > 0 and name not in _FITS_IN_SELECT)
            or (top in _TABLE_CONTEXT and name not in _FITS_IN_TABLE)
        )

    def _nearest_but(self, skipped: frozenset[str]) -> str:
        return next((name for name in reversed(self._stack) if name not in skipped), "")

    def _close_across_implied(self, name: str) -> None:
        if not self._counts[name]:
            if name in _HEADINGS or name in _TABLE_PART:
                self._become_untidy()
            return
        if name in _TABLE_PART or name == "table":
            passable = _LEFT_OUT_IN_TABLE
        elif name in _BLOCKS or name in _ENDS_IMPLIED:
            passable = _IMPLIED_END
        elif name == "ruby":
            passable = _RUBY_TEXT
        else:
            passable = _NOTHING
        left = len(self._stack) - 1
        while self._stack[left] != name:
            if self._stack[left] not in passable:
                self._become_untidy()
                return
            left -= 1
        while len(self._stack) > left:
            self._pop()

    def _become_untidy(self, opening: str = "") -> None:
        self._is_tidy = False
        self.is_unsure = self.is_unsure or self._counts["select"] > 0 or opening == "select"

    def _count_repetition(self) -> None:
        self._repeated += self._formatting
        if self._repeated > MAX_REPEATED_FORMATTING:
            _refuse("leaves bold, italic or other formatting open, which every later element repeats")

    def _top(self) -> str:
        return self._stack[-1] if self._stack else ""

    def _push(self, name: str) -> None:
        self._stack.append(name)
        self._counts[name] += 1
        self._formatting += name in _FORMATTING
        if len(self._stack) > MAX_DEPTH:
            _refuse(f"is nested {len(self._stack)} deep; the limit is {MAX_DEPTH}")

    def _pop(self) -> None:
        name = self._stack.pop()
        self._counts[name] -= 1
        self._formatting -= name in _FORMATTING
