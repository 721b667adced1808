"""One article's page on its way to readers: claim, put, record, re-check (architecture part 5). Purges come between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.publish.domain import live_state
from services.publish.domain.pages import Page, cache_control_for, provenance, redirect
from services.publish.handler.deps import PublishDeps
from services.publish.handler.fence import ExpectedObject, PutKind, PutResult, expected_from, expected_of, put_page
from shared.messaging.page_bundle import ArticlePage
from shared.model.article import Status
from shared.model.attachment import Attachment
from shared.model.history import RevisionsAfter, find_target, read_history
from shared.model.live_record import LiveRecord, PageRecord
from shared.runtime.errors import AddressTakenError
from shared.runtime.receipts import PublicPage, ReceiptStatus, receipt_id
from shared.site import keys
from shared.site.memberships import own_memberships
from shared.site.page_versions import find_version
from shared.site.sites import Site
from shared.storage import Etag

log = structlog.get_logger()


@dataclass(slots=True)
class Publication:
    """A page and how far its publication has come: it is shown, the edge is told, then it ends."""

    rendered: ArticlePage
    body: bytes
    run: str
    site: Site
    deps: PublishDeps
    record: LiveRecord = field(init=False)
    etag: Etag | None = field(init=False, default=None)
    puts: list[tuple[Page, PutResult]] = field(init=False, default_factory=list)
    is_forbidden: bool = field(init=False, default=False)  # a removal, its expiry or a newer page came first
    is_tried: bool = field(init=False, default=False)
    must_recheck: bool = field(init=False, default=False)

    @property
    def article(self) -> str:
        """Return the article whose page it is."""
        return self.rendered.article

    @property
    def pictures(self) -> tuple[Attachment, ...]:
        """Return what the page shows besides its theme's files."""
        return tuple(each for each in self.rendered.attachments if not each.is_immutable)

    @property
    def former_memberships(self) -> tuple[str, ...]:
        """Return the memberships whose listings are public because its released revisions name them."""
        return (
            *self.rendered.former_memberships,
            *(own_memberships(self.site, self.rendered.card) if self.rendered.card else ()),
        )

    @property
    def page(self) -> Page:
        """Return the page as it is put."""
        rendered = self.rendered
        return Page(
            path=rendered.path,
            order=rendered.order,
            body=self.body,
            content_type=rendered.content_type,
            cache_control=cache_control_for("article"),
            theme=rendered.theme,
            article=rendered.article,
            surrogate_keys=rendered.surrogate_keys,
            provenance=provenance(rendered),
        )

    def show(self) -> bool:
        """Claim the page's paths, then put the page; False where it is not put."""
        return self.claim() and self.put()

    def end(self) -> str | None:
        """Record the page if it was put, then re-check; return the revision to render now, or None."""
        if self.is_put:
            self.record_live()
        return self.find_newer() if self.puts or self.must_recheck or self.is_forbidden else None

    def claim(self) -> bool:
        """Claim the page's paths and pictures for its revision; False where a newer one is live or has claimed."""
        rendered, deps = self.rendered, self.deps

        def step(record: LiveRecord) -> LiveRecord | None:
            if live_state.is_outdated(record, rendered.revision, rendered.order):
                return None
            deps.register_picture_use((each for each in self.pictures if each.path not in record.media), record.article)
            media = (each.path for each in self.pictures)
            paths = (rendered.path, *rendered.former)
            return live_state.claimed(
                record, rendered.revision, paths, media=media, former_memberships=self.former_memberships
            )

        known = (LiveRecord(site=self.site.id, article=rendered.article), None) if rendered.is_new else None
        claim = deps.records.change(self.site.id, rendered.article, step, known=known)
        if claim is None:
            self._note_superseded()
            return False
        self.record, self.etag = claim
        return True

    def put(self) -> bool:
        """Put the page, what it needs before it, and redirects at its former paths; False where it may not be shown."""
        # The live revision's pictures are public: one that is not was taken down meanwhile, and stays so.
        pictures = () if self.is_again else self.pictures
        if (pictures or self.rendered.stubs) and not self._is_allowed():
            return self._note_forbidden()
        self.deps.publish_attachments((*pictures, *(each for each in self.rendered.attachments if each.is_immutable)))
        self.deps.put_stubs(self.rendered, self.site)
        page = self.page
        for each in (page, *self._missing_redirects()):
            try:
                put = put_page(each, self._expected(each), public=self.deps.public, may_put=self.may_show)
            except AddressTakenError:
                if each is page:
                    raise
                log.warning("redirect.spared", path=each.path)  # might have been ours, and is another article's
                continue
            if put is None:
                return self._note_forbidden()
            if each is page and self._replaced_newer_theme(put):
                self.must_recheck = True
            if each is page and put.kind is PutKind.STALE:
                log.info("page.stale", path=each.path)  # the publisher that put the newer one records it
                self._end(ReceiptStatus.SUPERSEDED)
                self.is_forbidden = True
                return False
            self.puts.append((each, put))
        if not self.run:
            self.deps.receipts.note(self._receipt, ReceiptStatus.PUBLISHED, self.deps.clock())
        return True

    @property
    def is_put(self) -> bool:
        """Tell whether the page is what readers see now, as far as we know."""
        return bool(self.puts) and not self.is_forbidden

    @property
    def is_changed(self) -> bool:
        """Tell whether readers see other bytes than before."""
        return bool(self.puts) and self.puts[0][1].kind is PutKind.PUT

    @property
    def surrogate_keys(self) -> tuple[str, ...]:
        """Return what the edge has to forget; nothing where it was told before.

        It was not told of a PUT, of what this very message or run has put before a worker died, or of what is not
        recorded yet.
        """
        is_put = any(put.kind is PutKind.PUT for _, put in self.puts)
        if not is_put and not self.is_repeated and live_state.went_live(self.record, self._live()) is self.record:
            return ()
        return (
            keys.article_surrogate_key(self.article),
            *(keys.path_surrogate_key(each.path) for each, _ in self.puts),
        )

    @property
    def path_surrogate_keys(self) -> tuple[str, ...]:
        """Return what the edge has to forget of the page at its path."""
        return (keys.article_surrogate_key(self.article), keys.path_surrogate_key(self.rendered.path))

    @property
    def is_repeated(self) -> bool:
        """Tell whether this very message or run had put something of it before: what followed may not be done."""
        return any(put.made_for == self.rendered.made_for for _, put in self.puts)

    def was_put(self) -> bool:
        """Tell whether this very run has put what is at the page's path."""
        there = self.deps.public.find_head(self.rendered.path)
        return there is not None and there.metadata.get("made-for") == self.rendered.made_for

    def record_live(self) -> None:
        """Write the article's record, unless only bytes changed, and the receipt."""
        step = partial(live_state.went_live, live=self._live())
        recorded, self.etag = self.deps.records.change(self.site.id, self.article, step, known=(self.record, self.etag))
        self.record = recorded
        page = self.page
        if live_state.is_outdated(recorded, self.rendered.revision, page.order):  # a newer revision claimed meanwhile
            self._end(ReceiptStatus.SUPERSEDED)
            self.must_recheck = True
            return
        url = f"{self.site.base_url}{keys.url_path(page.path)}"
        shown = PublicPage(path=page.path, url=url, sha256=page.sha256)
        self._end(ReceiptStatus.LIVE, url=url, pages=(shown,))
        log.info("page.published", path=page.path, outcome=self.puts[0][1].kind.value, size_bytes=len(page.body))

    def find_newer(self) -> str | None:
        """Re-check after the PUT: return the revision that has to be rendered now, or None where all is as it was.

        A later revision that waits for its embargo is no reason. Another record is: a publisher that came between has
        changed it, and so is another run, which need not have.
        """
        revision, deps, now = self.rendered.revision, self.deps, self.deps.clock()
        since = deps.revisions.since(self.site.id, self.article, "")
        seen = revision
        if not since.is_all_before(revision):
            latest = read_history(deps.revisions, self.site.id, self.article, since).visible(now)
            seen = latest.revision if latest else revision
        if seen == revision and not self._was_overtaken(since):
            return None
        return max(seen, revision)  # a kill in force may have the lower name

    def _was_overtaken(self, since: RevisionsAfter) -> bool:
        has_put = self.is_changed or self.is_repeated
        is_late = has_put and (since.record != self.etag or not self._is_of_latest_run())
        return self.must_recheck or is_late

    def _replaced_newer_theme(self, put: PutResult) -> bool:
        """Tell whether a page of no run replaced another version of its live revision, and that may be the newer one.

        A rollout that found the same bytes has left no trace but the version that render workers note at their start.
        """
        is_other = self.is_again and put.kind is PutKind.PUT and put.replaced_theme not in ("", self.rendered.theme)
        return is_other and not self.run and find_version(self.deps.content, self.site) != self.rendered.theme

    def _is_of_latest_run(self) -> bool:
        return not self.run or self.deps.runs.is_latest(self.site.id, self.run)

    def may_show(self) -> bool:
        """Tell whether the page may be put: it has not expired, and no later revision or tombstone forbids it.

        The first PUT over the live page of its own revision asks nobody: a removal puts another page
        there, so that the PUT fails, and then the bucket is asked.
        """
        is_asked = self.is_tried or not self.is_again
        self.is_tried = True
        return self._is_allowed() if is_asked else not self._has_expired()

    def _has_expired(self) -> bool:
        return self.rendered.expires_at is not None and self.rendered.expires_at <= self.deps.clock()

    def _is_allowed(self) -> bool:
        """Ask the bucket whether the page may be shown."""
        rendered, deps, now = self.rendered, self.deps, self.deps.clock()
        if self._has_expired():
            return False
        if deps.revisions.since(self.site.id, rendered.article, rendered.revision).is_nothing:
            return True
        target = find_target(deps.revisions, self.site.id, rendered.article, now)
        return target is not None and target.status_at(now) is Status.USABLE

    @property
    def is_again(self) -> bool:
        """Tell whether the article's live revision is put again at its path."""
        return (self.record.revision, self.record.path) == (self.rendered.revision, self.rendered.path)

    @property
    def _receipt(self) -> str:
        return receipt_id(self.site.id, self.article, self.rendered.revision)

    def _live(self) -> live_state.LivePage:
        pages = {
            each.path: PageRecord(order=each.order, sha256=each.sha256, etag=put.etag, status=each.status)
            for each, put in self.puts
            if put.kind is not PutKind.STALE
        }
        media = tuple(each.path for each in self.pictures)
        return live_state.LivePage(
            self.rendered, pages, media=media, former_memberships=self.former_memberships, at=self.deps.clock()
        )

    def _expected(self, page: Page) -> ExpectedObject | None:
        """Return what should be at a path: by the record; by the object itself where a live revision is put again.

        The record is asked also where it doubts what is there: a repair has found other bytes under our metadata.
        """
        recorded = expected_of(self.record, page.path)
        is_doubted = recorded is not None and not recorded.sha256
        if page.path == self.rendered.path and self.is_again and not is_doubted:
            return expected_from(self.deps.public.find_head(page.path))
        return recorded

    def _missing_redirects(self) -> Iterator[Page]:
        """Yield the redirects that the record does not know to be there.

        One that is recorded costs no look: a publisher that was late and overwrote it takes it out of the record.
        """
        for path in self.record.claimed:
            page = redirect(path, self.rendered.order, to=self.rendered.path, article=self.article)
            there = self.record.pages.get(path)
            if path != self.rendered.path and (there is None or there.sha256 != page.sha256):
                yield page

    def _note_superseded(self) -> None:
        """Look whether this very page was put late, by a publisher that died before its re-check: then re-check."""
        self._end(ReceiptStatus.SUPERSEDED)
        there = self.deps.public.find_head(self.rendered.path)
        is_ours = there is not None and there.metadata.get("order") == self.rendered.order
        log.info("page.superseded", path=self.rendered.path, was_put=is_ours)
        if there is None or not is_ours:
            return
        put = PageRecord(order=self.rendered.order, sha256=self.rendered.sha256, etag=there.etag)
        step = partial(live_state.overwritten, pages={self.rendered.path: put})
        self.deps.records.change(self.site.id, self.article, step)
        self.must_recheck = True

    def _note_forbidden(self) -> bool:
        self.is_forbidden = True
        outcome, reason = self._why_forbidden()
        self._end(outcome, reason=reason)
        log.info("page.forbidden", path=self.rendered.path, outcome=outcome.value)
        return False

    def _why_forbidden(self) -> tuple[ReceiptStatus, str]:
        """Return what a sender is told of a page that may not be shown."""
        if read_history(self.deps.revisions, self.site.id, self.article).is_killed:
            return ReceiptStatus.KILLED, "a kill of this article stands; nothing of it is published"
        if self.rendered.expires_at is not None and self.rendered.expires_at <= self.deps.clock():
            return ReceiptStatus.WITHDRAWN, "it expired before its page was published"
        return ReceiptStatus.SUPERSEDED, "a later revision takes the article down"

    def _end(
        self,
        outcome: ReceiptStatus,
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),
    ) -> None:
        """Finalise the receipt; a rebuild has no sender who waits for one."""
        if not self.run:
            now = self.deps.clock()
            self.deps.receipts.finalise(self._receipt, outcome, now, url=url, reason=reason, pages=pages)
