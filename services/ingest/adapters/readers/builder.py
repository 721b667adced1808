"""Builds an article from a document: its fields, their origins in the document, and the parts left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from services.ingest.adapters.readers.reasons import CONTACT_REASON
from services.ingest.adapters.readers.words import faults_of
from services.ingest.domain import prose
from services.ingest.domain.contacts import without_contacts
from services.ingest.domain.entries import SetAsideStatus
from services.ingest.domain.pointers import origin_of, top_of
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.domain.rules import find_faults
from services.ingest.domain.shown import invisible_fields, invisible_parts
from services.ingest.domain.stamps import stamp_warnings
from services.ingest.ports import Dropped, Reading, ReadingContext, Report, SetAside
from shared.model.article import Article, Status
from shared.model.markup import check_markup, has_markup
from shared.model.text import one_line
from shared.runtime.errors import HostileMarkupError
from shared.site.keys import article_id

_MAX_FAULTS = 50
_MAX_DROPPED = 200
_MAX_VALIDATIONS = 5
_MAX_NAME_CHARS = 200
_MAX_LINE_CHARS = 2_000  # of a line that is searched for contact details
_ENTRY_FIELD_STEPS = 2  # the inner steps of a pointer such as /topics/3/name
_FIELDS = tuple(Article.model_fields)


class ArticleBuilder:
    """Collects the fields of an article by name, with the JSON pointer of each field's origin."""

    def __init__(self, format_name: str, context: ReadingContext) -> None:
        self.values: dict[str, Any] = {"site": context.site.id, "source": context.feed.source}
        self.faults: list[Fault] = []
        self.held_because = ""  # a reason that the status itself gives
        self._format = format_name
        self._context = context
        self._origins: dict[str, str] = {}
        self._kept: dict[str, None] = {}
        self._dropped: list[Dropped] = []
        self._warnings: list[str] = []

    @property
    def is_removal(self) -> bool:
        """Return whether the article's status is a removal; few fields are required then."""
        return self.values.get("status") in (Status.WITHHELD, Status.CANCELED)

    def find_asset(self, name: str) -> str | None:
        """Return the digest of a picture that the sender uploaded under its own id, or None."""
        return self._context.find_asset(name)

    def set_field(self, field: str, value: object, origin: str) -> None:
        """Set a field."""
        self.values[field] = value
        self._origins[f"/{field}"] = origin
        self._kept[origin] = None

    def add_entry(self, field: str, value: object, origin: str) -> None:
        """Append an entry to a field that is a list."""
        entries: list[object] = self.values.setdefault(field, [])
        self._origins[f"/{field}/{len(entries)}"] = origin
        entries.append(value)
        self._kept[origin] = None

    def set_default(self, field: str, value: object, warning: str = "") -> None:
        """Set a field that the sender left out."""
        if self.values.get(field) is None:
            self.values[field] = value
            if warning:
                self.warn(warning)

    def default_section(self, why: str = "") -> None:
        """Set a missing section to the feed's, otherwise to the site's; with `why`, add a warning."""
        section = self._context.feed.section or self._context.site.default_section
        self.set_default("section", section, f"{why}; {section} is used" if why else "")

    def default_language(self, *, is_usual: bool = False) -> None:
        """Set a missing language to the feed's, otherwise to the site's; add a warning unless `is_usual`."""
        language = self._context.feed.language or self._context.site.language
        self.set_default("language", language, "" if is_usual else f"no language is given; {language} is used")

    def expect(self, field: str, origin: str) -> None:
        """Note the origin of a field that may be missing, for the fault that reports it."""
        self._origins.setdefault(f"/{field}", origin)

    def note_origin(self, part: str, origin: str) -> None:
        """Note the origin of a part of the article, and report the origin as kept."""
        self._origins[part] = origin
        self._kept[origin] = None

    def confirm(self, origin: str) -> None:
        """Report a part of the document as kept."""
        self._kept[origin] = None

    def drop(self, origin: str, reason: str) -> None:
        """Report a part of the document as left out, with the reason."""
        self._kept.pop(origin, None)
        self._dropped.append(Dropped(pointer=origin, reason=reason))

    def warn(self, text: str) -> None:
        """Add a warning for editors to the report."""
        self._warnings.append(text)

    def fault(self, origin: str, detail: str) -> None:
        """Add a fault; an article with faults is refused."""
        self.faults.append(Fault(origin, detail))

    def set_aside(self, status: SetAsideStatus, reason: str, name: str = "") -> SetAside:
        """Return the item as one that never becomes a page, with the reason; `name`: its id, otherwise `source_id`."""
        named = name or str(self.values.get("source_id") or "")
        return SetAside(status, reason, self._report(), named[:_MAX_NAME_CHARS])

    def finish(
        self,
        *,
        held_because: str = "",
        validate: Callable[[dict[str, Any]], Article] = Article.model_validate,
        dispensable: Iterable[str] = (),
    ) -> Reading:
        """Return the article and the report. `dispensable` fields that break a rule are left out, with the reason.

        `held_because`: the sender's system does not show the item now; set the status to withheld too.

        Raises:
            RefusedError: the article breaks a rule; pointers refer to the sender's document.
        """
        site, feed, received_at = self._context.site, self._context.feed, self._context.received_at
        self.default_section()
        self.default_language(is_usual=True)
        if feed.rights is not None:
            self.set_default("rights", feed.rights.model_dump())
        if self.is_removal:  # a removal needs no content
            self._name_removal()
            self.set_default("body", "")
            self._move_to_known_section("the removal is accepted")
        if self._context.canonical_site is not None:
            self._adapt_to_further_site(self._context.canonical_site)
        self._remove_notes()
        self._remove_contacts()
        article = self._validated(validate, frozenset(dispensable))
        if article is not None:
            article = self._without_hostile_markup(article)
            self._refuse(find_faults(article, site, received_at))
        if self.faults or article is None:
            raise unacceptable(self.faults[:_MAX_FAULTS])
        self._warnings += stamp_warnings(article, received_at)
        self._report_invisible_parts(article)
        if article.status is Status.WITHHELD:
            held_because = held_because or self.held_because
        return Reading(self._with_canonical(article), self._report(), held_because)

    def _validated(self, validate: Callable[[dict[str, Any]], Article], dispensable: frozenset[str]) -> Article | None:
        """Leave out dispensable parts that break a rule and return the article; None if other faults remain."""
        found: list[Fault] = []
        for _ in range(_MAX_VALIDATIONS):  # an entry without its name becomes a fault of the next validation
            try:
                return validate(self.values)
            except ValidationError as error:
                found = faults_of(error, _FIELDS)
            if not all(top_of(fault.pointer) in dispensable for fault in found):
                break
            self._leave_out(found)
        required = [fault for fault in found if top_of(fault.pointer) not in dispensable]
        self._refuse(required or found)
        return None

    def _leave_out(self, faults: list[Fault]) -> None:
        """Remove the innermost part that breaks a rule; for a missing part, remove the part that needs it."""
        entries: set[tuple[str, int]] = set()
        for fault in faults:
            field, *inner = fault.pointer.removeprefix("/").split("/")
            value, leaf = self.values.get(field), inner[-1] if inner else ""
            if isinstance(value, list) and inner:
                entry = value[int(inner[0])]
                if len(inner) == _ENTRY_FIELD_STEPS and isinstance(entry, dict) and leaf in entry:
                    del entry[leaf]
                else:
                    entries.add((field, int(inner[0])))
            elif isinstance(value, list):
                max_entries = _max_entries(field)
                for index in range(max_entries, len(value)):
                    self.drop(origin_of(f"{fault.pointer}/{index}", self._origins), fault.detail)
                del value[max_entries:]
                continue
            elif len(inner) == 1 and isinstance(value, dict) and leaf in value:
                del value[leaf]
            else:
                self.values.pop(field, None)
            self.drop(origin_of(fault.pointer, self._origins), fault.detail)
        for field, index in sorted(entries, reverse=True):
            del self.values[field][index]

    def _refuse(self, faults: Iterable[Fault]) -> None:
        self.faults += [Fault(origin_of(fault.pointer, self._origins), fault.detail) for fault in faults]

    def _adapt_to_further_site(self, canonical_site: str) -> None:
        """Replace the canonical site's name, and a section that this site does not have."""
        if self.values["site"] == canonical_site:
            self.values["site"] = self._context.site.id
        if self._move_to_known_section("the site's default is used"):
            self.warn(f"the section is not one of {self._context.site.id}; {self.values['section']} is used")

    def _with_canonical(self, article: Article) -> Article:
        canonical_site = self._context.canonical_site
        if canonical_site is None:
            return article
        canonical_article = article_id(canonical_site, article.source, article.source_id)
        return article.model_copy(update={"canonical_site": canonical_site, "canonical_article": canonical_article})

    def _move_to_known_section(self, consequence: str) -> bool:
        site, section = self._context.site, self.values["section"]
        if not isinstance(section, str) or site.has_section(section):
            return False
        self.drop(origin_of("/section", self._origins), f"is not a section of the site; {consequence}")
        self.values["section"] = site.default_section
        return True

    def _name_removal(self) -> None:
        """Use the source id as headline if a removal has no visible one."""
        headline = self.values.get("headline")
        if isinstance(headline, str) and not one_line(headline):
            del self.values["headline"]
        self.set_default("headline", self.values.get("source_id"))

    def _remove_notes(self) -> None:
        body = self.values.get("body")
        if not isinstance(body, str):
            return
        self.values["body"], count = prose.without_notes(body)
        if count:
            self._dropped.append(
                Dropped(pointer=origin_of("/body", self._origins), reason="a part is marked as not for the public")
            )

    def _remove_contacts(self) -> None:
        """Remove mail addresses and telephone numbers from the byline and the names of authors."""
        authors = self.values.get("authors")
        named = [each for each in authors if isinstance(each, dict)] if isinstance(authors, list) else []
        emptied: list[dict[str, Any]] = []
        for holder, name, part in (
            (self.values, "byline", "/byline"),
            *((each, "name", f"/authors/{index}") for index, each in enumerate(named)),
        ):
            line = holder.get(name)
            if not isinstance(line, str) or len(line) > _MAX_LINE_CHARS:
                continue  # breaks a rule anyway
            if (rest := without_contacts(line)) != line:
                holder[name] = rest
                if not rest:
                    emptied.append(holder)
                origin = origin_of(part, self._origins)
                self._dropped.append(Dropped(pointer=origin, reason=CONTACT_REASON))
        if any(each is self.values for each in emptied):
            del self.values["byline"]
        if isinstance(authors, list) and emptied:
            self.values["authors"] = [each for each in authors if not any(each is found for found in emptied)]

    def _without_hostile_markup(self, article: Article) -> Article:
        if not has_markup(article.body):
            return article  # plain text is never parsed
        try:
            check_markup(article.body)
        except HostileMarkupError as error:
            if not self.is_removal:
                self._refuse([Fault("/body", str(error))])
                return article
            self.drop(origin_of("/body", self._origins), f"{error}; the removal is accepted without it")
            return article.model_copy(update={"body": ""})
        return article

    def _report_invisible_parts(self, article: Article) -> None:
        """Report the parts that readers will not see as left out."""
        for where, reason in invisible_parts(article):
            self.drop(origin_of(where, self._origins), reason)
        for field in invisible_fields(article):
            self._kept.pop(origin_of(f"/{field}", self._origins), None)

    def _report(self) -> Report:
        dropped = self._dropped[:_MAX_DROPPED]
        if more := len(self._dropped) - len(dropped):
            dropped.append(Dropped(pointer="", reason=f"{more} more parts were left out"))
        return Report(
            format=self._format, kept=tuple(self._kept), dropped=tuple(dropped), warnings=tuple(self._warnings)
        )


def _max_entries(field: str) -> int:
    bounds = (getattr(rule, "max_length", None) for rule in Article.model_fields[field].metadata)
    return next((bound for bound in bounds if isinstance(bound, int)), 0)
