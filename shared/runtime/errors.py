"""Errors, each named for its fact. The retry policy reads only the two families at the top."""


class PresslineError(Exception):
    """An error of Pressline itself."""


class RetryableError(PresslineError):
    """The same message may succeed later: time-outs, throttling, a conflict."""


class OutageError(RetryableError):
    """A peer is down. Retries continue until it is back: attempts during an outage do not count."""


class PermanentError(PresslineError):
    """The same message will fail for ever: dead-letter it at once."""


class StorageUnavailableError(OutageError):
    """The object store cannot serve the call now; the same call may succeed later."""


class RedisUnavailableError(OutageError):
    """Redis does not answer or refuses writes; its data can be rebuilt from the content bucket."""


class EdgeUnavailableError(OutageError):
    """The edge did not confirm a purge."""


class EdgeRefusedError(PermanentError):
    """The edge refuses purges: a wrong token, or a wrong service, zone or distribution."""


class IndexIncompleteError(OutageError):
    """The index is being restored: pages that show other articles wait until it is complete."""


class PeersTooSlowError(OutageError):
    """The task's time was spent in calls to its peers; a further call might not end in time."""


class TaskTooSlowError(RetryableError):
    """The task's time was spent on its own work; a further call might not end in time."""


class WorkerKilledError(PermanentError):
    """The process that handled the message died each time: the message is not handled again."""


class StorageConflictError(RetryableError):
    """The store saw two writers at once (409) and does not name the winner: read and decide again."""


class ObjectMissingError(PermanentError):
    """The key has no object."""


class PreconditionFailedError(RetryableError):
    """The key exists (`unless_exists`) or has another ETag (`if_etag`): read and decide again."""


class NotYetEnrichedError(RetryableError):
    """The enriched object of a revision is missing (a cache was emptied, a message came early)."""


class ListingsStaleError(RetryableError):
    """Listings still show a withdrawn article: they are published first, its 410 page after them."""


class HostileMarkupError(PermanentError):
    """Markup that is too large, too deep or too dense to be parsed in linear time."""


class StoreNotConformantError(PermanentError):
    """The store broke a promise that Pressline needs; the text names the promise and the next step."""


class UnknownSiteError(PermanentError):
    """No site of this id is configured."""


class UnknownFeedError(PermanentError):
    """The site has no feed of this id."""


class AddressTakenError(PermanentError):
    """Another article's page is at this path: both have the same section, day, slug and id prefix."""
