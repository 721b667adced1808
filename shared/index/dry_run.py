"""The index for a dry run: reads go to Redis, and each change is reported instead of made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from redis import Redis
from redis.commands.core import Script

from shared.index import Restore, scripts
from shared.index.placements import placement_of
from shared.index.redis import RedisIndex
from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.runtime.dry_run import Report
from shared.runtime.redis_client import translated
from shared.site.sites import Site


class DryRunIndex(RedisIndex):
    """The index in Redis, read only. A change is reported with the pages that it would make stale."""

    def __init__(self, client: Redis, report: Report) -> None:
        super().__init__(client)
        self._report = report
        self._upsert = _ReadOnlyScript(client, scripts.READ_ONLY_UPSERT)
        self._read = _ReadOnlyScript(client, f"{scripts.READ_ONLY}\n{scripts.READ}")
        self._choose_related = _ReadOnlyScript(client, f"{scripts.READ_ONLY}\n{scripts.CHOOSE_RELATED}")

    def upsert(
        self,
        site: Site,
        card: Card,
        revision: str,
        *,
        text: str = "",
        shows: Mapping[str, str] | None = None,
        former_memberships: Iterable[str] = (),
    ) -> tuple[str, ...]:
        """Report an article that would be upserted; return the pages that would become stale."""
        self._report(f"would upsert {card.article} of {site.id} in the index at revision {revision}")
        pages = super().upsert(site, card, revision, text=text, shows=shows, former_memberships=former_memberships)
        return self._reported(site, pages)

    def remove(
        self,
        site: Site,
        article: str,
        revision: str,
        *,
        former_memberships: Iterable[str] = (),
        is_killed: bool = False,
    ) -> tuple[str, ...]:
        """Report an article that would be removed; return the pages that would become stale."""
        self._report(f"would remove {article} of {site.id} from the index at revision {revision}")
        pages = super().remove(site, article, revision, former_memberships=former_memberships, is_killed=is_killed)
        return self._reported(site, pages)

    def load(self, site: Site, records: Iterable[LiveRecord], *, is_restored: bool = True) -> tuple[str, ...]:
        """Report the articles that would be upserted or removed; return the pages that each would make stale."""
        known = list(records)
        for record in known:
            self._report(f"would load {record.article} of {site.id} into the index")
        placements = [each for record in known if (each := placement_of(site, record))]
        return self._reported(site, translated(self._put)(site, placements, is_restored=is_restored))

    def _reported(self, site: Site, pages: tuple[str, ...]) -> tuple[str, ...]:
        for page in pages:
            self._report(f"would mark {page} of {site.id} stale")
        return pages

    def mark_stale(self, site: Site, listing: str) -> None:
        """Report a page that would become stale."""
        self._report(f"would mark {listing} of {site.id} stale")

    def mark_stale_at(self, site: Site, listing: str, at: datetime) -> None:
        """Report a listing that would become stale later."""
        self._report(f"would mark {listing} of {site.id} stale at {at.isoformat()}")

    def mark_due_stale(self, site: Site, now: datetime) -> tuple[str, ...]:
        """Report that the due listings would become stale."""
        self._report(f"would mark the listings of {site.id} stale that are due at {now.isoformat()}")
        return ()

    def set_published(self, site: Site, page: str, version: int, *, sha256: str = "") -> bool:  # noqa: ARG002
        """Report a published version that would be recorded."""
        self._report(f"would record version {version} of {page} of {site.id} as published")
        return False

    def acquire_leases(
        self, site: Site, pages: Sequence[str], *, is_news: bool = False, is_urgent: bool = False
    ) -> list[str]:
        """Return the pages that have no lease, and report the leases that they would get."""
        free, _ = self.find_unleased(site, pages, is_news=is_news, is_urgent=is_urgent)
        for page in free:
            self._report(f"would lease {page} of {site.id}")
        return free

    def release_lease(self, site: Site, page: str) -> None:
        """Report a lease that would end."""
        self._report(f"would end the lease of {page} of {site.id}")

    def begin_restore(self, site: Site, now: datetime) -> Restore | None:  # noqa: ARG002
        """Begin no restore."""
        return None

    def advance_restore(self, site: Site, restore: Restore) -> bool:  # noqa: ARG002
        """Move no restore."""
        return False

    def clear(self, site: Site) -> None:
        """Report that the index would be emptied."""
        self._report(f"would empty the index of {site.id}")

    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:  # noqa: ARG002
        """Report that the index would be marked as complete."""
        self._report(f"would mark the index of {site.id} as complete until {minute.isoformat()}")
        return False


class _ReadOnlyScript(Script):
    """A script whose writes do nothing. EVAL_RO makes Redis refuse any other write."""

    def __init__(self, client: Redis, script: str) -> None:
        self._text = script
        super().__init__(client, script)

    def __call__(self, keys: Any = None, args: Any = None, client: Any = None) -> Any:  # noqa: ANN401 -- redis-py's signature
        redis = self.registered_client if client is None else client
        return redis.eval_ro(self._text, len(keys or ()), *(keys or ()), *(args or ()))
