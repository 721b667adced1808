"""The publication of one article's page: claim, put, (purge,) read back, record, re-check (ADR 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.publish.domain import live_state
from services.publish.domain.pages import Page, cache_control_for, provenance, redirect
from services.publish.handler.deps import PublishDeps
from services.publish.handler.fence import ExpectedObject, PutKind, PutResult, expected_from, expected_of, put_page
from services.publish.handler.read_back import require_shown
from shared.messaging.page_bundle import ArticlePage
from shared.model.article import Status
from shared.model.attachment import Attachment
from shared.model.history import RevisionsAfter, find_visible_revision, read_history
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
    """A page and the progress of its publication: claim and put, a purge by the caller, read-back, record, re-check."""

    rendered: ArticlePage
    body: bytes
    run: str
    site: Site
    deps: PublishDeps
    record: LiveRecord = field(init=False)
    etag: Etag | None = field(init=False, default=None)
    puts: list[tuple[Page, PutResult]] = field(init=False, default_factory=list)
    is_rejected: bool = field(init=False, default=False)  # a removal, the expiry or a newer page came first
    has_checked: bool = field(init=False, default=False)
    must_recheck: bool = field(init=False, default=False)

    @property
    def article(self) -> str:
        """Return the page's article."""
        return self.rendered.article

    @property
    def pictures(self) -> tuple[Attachment, ...]:
        """Return the page's attachments without the theme's files."""
        return tuple(each for each in self.rendered.attachments if not each.is_immutable)

    @property
    def former_memberships(self) -> tuple[str, ...]:
        """Return the memberships that the article's released revisions name, current ones included.

        Their listings are public.
        """
        return (
            *self.rendered.former_memberships,
            *(own_memberships(self.site, self.rendered.card) if self.rendered.card else ()),
        )

    @property
    def page(self) -> Page:
        """Return the page as an object of the public bucket."""
        rendered = self.rendered
        return Page(
            path=rendered.path,
            order=rendered.order,
            body=self.body,
            content_type=rendered.content_type,
            cache_control=cache_control_for("article"),
            page_version=rendered.theme,
            article=rendered.article,
            surrogate_keys=rendered.surrogate_keys,
            provenance=provenance(rendered),
        )

    def claim_and_put(self) -> bool:
        """Claim the page's paths, then put the page; return False if it is not put."""
        return self.claim() and self.put()

    def record_and_recheck(self) -> str | None:
        """Record the page if it was put, then re-check; return the revision to render now, or None."""
        if self.is_put:
            self.record_live()
        return self.revision_to_render() if self.puts or self.must_recheck or self.is_rejected else None

    def claim(self) -> bool:
        """Claim the page's paths and pictures for its revision; return False if a newer one is live or has claimed."""
        rendered, deps = self.rendered, self.deps

        def step(record: LiveRecord) -> LiveRecord | None:
            if live_state.is_outdated(record, rendered.revision, rendered.order):
                return None
            deps.register_picture_use((each for each in self.pictures if each.path not in record.media), record.article)
            media = (each.path for each in self.pictures)
            paths = (rendered.path, *rendered.former)
            return live_state.add_claims(
                record, rendered.revision, paths, media=media, former_memberships=self.former_memberships
            )

        known = (LiveRecord(site=self.site.id, article=rendered.article), None) if rendered.is_new else None
        claim = deps.records.change(self.site.id, rendered.article, step, known=known)
        if claim is None:
            self._reject_superseded()
            return False
        self.record, self.etag = claim
        return True

    def put(self) -> bool:
        """Put attachments, stubs, the page, and redirects at its former paths; return False if the page is rejected."""
        # If the revision is live, its pictures are public already. One that is missing was taken down, and stays down.
        pictures = () if self.is_live_revision else self.pictures
        if (pictures or self.rendered.stubs) and not self._is_allowed():
            return self._reject_forbidden()
        self.deps.publish_attachments((*pictures, *(each for each in self.rendered.attachments if each.is_immutable)))
        self.deps.put_stubs(self.rendered, self.site)
        page = self.page
        for each in (page, *self._missing_redirects()):
            try:
                put = put_page(each, self._expected(each), public=self.deps.public, may_put=self.may_put)
            except AddressTakenError:
                if each is page:
                    raise
                log.warning("redirect.skipped", path=each.path)  # claimed, but the page there is another article's
                continue
            if put is None:
                return self._reject_forbidden()
            if each is page and self._replaced_newer_page_version(put):
                self.must_recheck = True
            if each is page and put.kind is PutKind.SUPERSEDED:
                log.info("page.superseded", path=each.path)  # the publisher of the newer page records it
                self._finalise_receipt(ReceiptStatus.SUPERSEDED)
                self.is_rejected = True
                return False
            self.puts.append((each, put))
        if not self.run:
            self.deps.receipts.note(self._receipt_id, ReceiptStatus.PUBLISHED, self.deps.clock())
        return True

    @property
    def is_put(self) -> bool:
        """Tell whether we have put the page and nothing has forbidden it since."""
        return bool(self.puts) and not self.is_rejected

    @property
    def is_changed(self) -> bool:
        """Tell whether the PUT changed the bytes that readers see."""
        return bool(self.puts) and self.puts[0][1].kind is PutKind.PUT

    @property
    def surrogate_keys(self) -> tuple[str, ...]:
        """Return the keys to purge; none if the page was purged before.

        A purge is due:

        * after a PUT;
        * after a PUT by an earlier delivery of this message or run, whose worker may have died before its purge;
        * while the page is not recorded.
        """
        is_put = any(put.kind is PutKind.PUT for _, put in self.puts)
        if (
            not is_put
            and not self.is_redelivered
            and live_state.apply_live_page(self.record, self._live_page()) is self.record
        ):
            return ()
        return (
            keys.article_surrogate_key(self.article),
            *(keys.path_surrogate_key(each.path) for each, _ in self.puts),
        )

    def require_shown(self) -> None:
        """Return if readers get the page, or if it is no news: of a rebuild, or of the revision that is live already.

        Raises:
            EdgeUnavailableError: the edge does not serve the page yet.
        """
        if self.is_put and not self.run and not self.is_live_revision:
            require_shown(self._url, self.body, self.deps)

    @property
    def _url(self) -> str:
        return f"{self.site.base_url}{keys.url_path(self.rendered.path)}"

    @property
    def path_surrogate_keys(self) -> tuple[str, ...]:
        """Return the keys to purge for the page at its path."""
        return (keys.article_surrogate_key(self.article), keys.path_surrogate_key(self.rendered.path))

    @property
    def is_redelivered(self) -> bool:
        """Tell whether this message or run has put the page before: its worker may have died before the next steps."""
        return any(put.made_for == self.rendered.made_for for _, put in self.puts)

    def was_put(self) -> bool:
        """Tell whether this message or run has put the object at the page's path."""
        head = self.deps.public.find_head(self.rendered.path)
        return head is not None and head.metadata.get("made-for") == self.rendered.made_for

    def record_live(self) -> None:
        """Write the article's record, unless only bytes changed, and the receipt."""
        step = partial(live_state.apply_live_page, live=self._live_page())
        recorded, self.etag = self.deps.records.change(self.site.id, self.article, step, known=(self.record, self.etag))
        self.record = recorded
        page = self.page
        if live_state.is_outdated(recorded, self.rendered.revision, page.order):  # a newer revision claimed meanwhile
            self._finalise_receipt(ReceiptStatus.SUPERSEDED)
            self.must_recheck = True
            return
        shown = PublicPage(path=page.path, url=self._url, sha256=page.sha256)
        self._finalise_receipt(ReceiptStatus.LIVE, url=self._url, pages=(shown,))
        log.info("page.published", path=page.path, kind=self.puts[0][1].kind.value, size_bytes=len(page.body))

    def revision_to_render(self) -> str | None:
        """Re-check after the PUT: return the revision to render now, or None if nothing has changed.

        A revision is returned in these cases:

        * another revision became visible; a later revision under embargo does not count;
        * another publisher changed the record;
        * a later run has begun, which may leave no trace in the record.
        """
        revision, deps, now = self.rendered.revision, self.deps, self.deps.clock()
        later_revisions = deps.revisions.since(self.site.id, self.article, "")
        visible_revision = revision
        if not later_revisions.is_all_before(revision):
            visible = read_history(deps.revisions, self.site.id, self.article, later_revisions).visible(now)
            visible_revision = visible.revision if visible else revision
        if visible_revision == revision and not self._was_overtaken(later_revisions):
            return None
        return max(visible_revision, revision)  # the id of a kill in force may be lower

    def _was_overtaken(self, later_revisions: RevisionsAfter) -> bool:
        has_put = self.is_changed or self.is_redelivered
        was_overtaken = has_put and (later_revisions.record != self.etag or not self._is_of_latest_run())
        return self.must_recheck or was_overtaken

    def _replaced_newer_page_version(self, put: PutResult) -> bool:
        """Tell whether a page of no run replaced the same revision with another, possibly newer, page version.

        A rollout that finds the same bytes writes no record. Only the version that render workers store at their start
        shows the rollout.
        """
        replaced = put.replaced_page_version
        is_other = self.is_live_revision and put.kind is PutKind.PUT and replaced not in ("", self.rendered.theme)
        return is_other and not self.run and find_version(self.deps.content, self.site) != self.rendered.theme

    def _is_of_latest_run(self) -> bool:
        return not self.run or self.deps.runs.is_latest(self.site.id, self.run)

    def may_put(self) -> bool:
        """Tell whether the page may be put: it has not expired, and no later revision or tombstone forbids it.

        The first PUT over the live page of its own revision does not list the bucket. A removal puts another page
        there, so that this PUT fails; then the next attempt lists the bucket.
        """
        must_list = self.has_checked or not self.is_live_revision
        self.has_checked = True
        return self._is_allowed() if must_list else not self._has_expired()

    def _has_expired(self) -> bool:
        return self.rendered.expires_at is not None and self.rendered.expires_at <= self.deps.clock()

    def _is_allowed(self) -> bool:
        """Tell whether the bucket's revisions and tombstones allow the page."""
        rendered, deps, now = self.rendered, self.deps, self.deps.clock()
        if self._has_expired():
            return False
        if deps.revisions.since(self.site.id, rendered.article, rendered.revision).is_empty:
            return True
        target = find_visible_revision(deps.revisions, self.site.id, rendered.article, now)
        return target is not None and target.status_at(now) is Status.USABLE

    @property
    def is_live_revision(self) -> bool:
        """Tell whether the page's revision is live already, at the same path."""
        return (self.record.revision, self.record.path) == (self.rendered.revision, self.rendered.path)

    @property
    def _receipt_id(self) -> str:
        return receipt_id(self.site.id, self.article, self.rendered.revision)

    def _live_page(self) -> live_state.LivePage:
        pages = {
            each.path: PageRecord(order=each.order, sha256=each.sha256, etag=put.etag, status=each.status)
            for each, put in self.puts
            if put.kind is not PutKind.SUPERSEDED
        }
        media = tuple(each.path for each in self.pictures)
        return live_state.LivePage(
            self.rendered, pages, media=media, former_memberships=self.former_memberships, at=self.deps.clock()
        )

    def _expected(self, page: Page) -> ExpectedObject | None:
        """Return the object expected at a path: from the record, or, at a live revision's own path, from the store.

        A record without the digest counts there too: a repair found bytes that the object's metadata do not describe.
        """
        recorded = expected_of(self.record, page.path)
        is_distrusted = recorded is not None and not recorded.sha256
        if page.path == self.rendered.path and self.is_live_revision and not is_distrusted:
            return expected_from(self.deps.public.find_head(page.path))
        return recorded

    def _missing_redirects(self) -> Iterator[Page]:
        """Yield the redirects that the record does not contain.

        A recorded redirect needs no check: a late publisher that overwrites it removes it from the record.
        """
        for path in self.record.claimed:
            page = redirect(path, self.rendered.order, to=self.rendered.path, article=self.article)
            recorded = self.record.pages.get(path)
            if path != self.rendered.path and (recorded is None or recorded.sha256 != page.sha256):
                yield page

    def _reject_superseded(self) -> None:
        """Finalise the receipt; if a publisher put this very page late and died before its re-check, re-check now."""
        self._finalise_receipt(ReceiptStatus.SUPERSEDED)
        head = self.deps.public.find_head(self.rendered.path)
        is_ours = head is not None and head.metadata.get("order") == self.rendered.order
        log.info("page.superseded", path=self.rendered.path, was_put=is_ours)
        if head is None or not is_ours:
            return
        put = PageRecord(order=self.rendered.order, sha256=self.rendered.sha256, etag=head.etag)
        step = partial(live_state.drop_overwritten_pages, pages={self.rendered.path: put})
        self.deps.records.change(self.site.id, self.article, step)
        self.must_recheck = True

    def _reject_forbidden(self) -> bool:
        self.is_rejected = True
        status, reason = self._rejection_status()
        self._finalise_receipt(status, reason=reason)
        log.info("page.forbidden", path=self.rendered.path, status=status.value)
        return False

    def _rejection_status(self) -> tuple[ReceiptStatus, str]:
        """Return the receipt status and the reason of a page that may not be shown."""
        if read_history(self.deps.revisions, self.site.id, self.article).is_killed:
            return ReceiptStatus.KILLED, "a kill of this article is in force; nothing of it is published"
        if self.rendered.expires_at is not None and self.rendered.expires_at <= self.deps.clock():
            return ReceiptStatus.WITHDRAWN, "the article expired before its page was published"
        return ReceiptStatus.SUPERSEDED, "a later revision takes the article down"

    def _finalise_receipt(
        self,
        status: ReceiptStatus,
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),
    ) -> None:
        """Finalise the receipt; a rebuild has none."""
        if not self.run:
            now = self.deps.clock()
            self.deps.receipts.finalise(self._receipt_id, status, now, url=url, reason=reason, pages=pages)
