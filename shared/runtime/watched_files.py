"""Files that the relay has taken from watched prefixes and whose outcome is not known yet, in the content bucket."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.site import keys
from shared.storage import ObjectStorage


class TakenFile(BaseModel):
    """A submitted file. The pipeline keeps its bytes at `raw_key`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    etag: str
    content_type: str
    raw_key: str
    receipt: str
    taken_at: AwareDatetime


class WatchState(BaseModel):
    """The progress of one watched prefix."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    taken: tuple[TakenFile, ...] = ()  # without an outcome, or not deleted yet; the oldest first
    oversized: tuple[tuple[str, str], ...] = ()  # (key, ETag) of files that stay, because they are too large
    taken_at: AwareDatetime | None = None  # the last file
    refused_at: AwareDatetime | None = None  # the last file that was kept aside
    result: str = ""  # of the last file with an outcome, for the operator

    def has_taken(self, key: str, etag: str) -> bool:
        """Tell whether these bytes were submitted under this key."""
        return any((each.key, each.etag) == (key, etag) for each in self.taken)


class WatchStates:
    """The states in the content bucket."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def find(self, site: str, feed: str) -> WatchState:
        """Return the state of a feed's watched prefix; an empty one before the first file.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        found = self._content.find(keys.watched_files_key(site, feed))
        return WatchState.model_validate_json(found.body) if found else WatchState()

    def save(self, site: str, feed: str, state: WatchState) -> None:
        """Store the state.

        Raises:
            StorageUnavailableError: the store does not accept it now.
        """
        self._content.put(keys.watched_files_key(site, feed), state.model_dump_json(indent=1).encode())
