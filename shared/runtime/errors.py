"""Errors are named for the fact; the retry policy reads only the two families at the top."""


class PresslineError(Exception):
    """Anything that Pressline itself raises."""


class RetryableError(PresslineError):
    """The same message may succeed later: time-outs, throttling, a conflict."""


class OutageError(RetryableError):
    """A peer is down. Waits as long as it takes: an outage counts no attempt and dead-letters nothing."""


class PermanentError(PresslineError):
    """The same message will fail for ever: dead-letter it at once."""


class StorageUnavailableError(OutageError):
    """The object store cannot take or give it now; the same call may succeed later."""


class RedisUnavailableError(OutageError):
    """Redis does not answer; what it held is rebuilt from the bucket."""


class EdgeUnavailableError(OutageError):
    """The edge did not confirm a purge."""


class EdgeRefusedError(PermanentError):
    """The edge will not take purges from us: a wrong token, or a service, zone or distribution that is not ours."""


class IndexIncompleteError(OutageError):
    """The index is being made again from the bucket: what shows other articles waits until it knows all of them."""


class PeersTooSlowError(OutageError):
    """The task's time was spent on waiting for its peers; what it would begin now might not end in time."""


class TaskTooSlowError(RetryableError):
    """The task's time was spent on work of its own; what it would begin now might not end in time."""


class WorkerKilledError(PermanentError):
    """The process that ran the message died, each time: it is not run once more."""


class StorageConflictError(RetryableError):
    """The store saw two writers at once (409): it says nothing of who won, so read and decide again."""


class ObjectMissingError(PermanentError):
    """There is no object under the key."""


class PreconditionFailedError(RetryableError):
    """The key exists (`unless_exists`) or its ETag is another one (`if_etag`): read and decide again."""


class NotYetEnrichedError(RetryableError):
    """The enriched object of a revision is not there (a cache was emptied, a message came early)."""


class ListingsStaleError(RetryableError):
    """A withdrawn article is still shown by listings: they go first, its page after them."""


class HostileMarkupError(PermanentError):
    """Markup that is too large, too deep or too dense to be parsed in linear time."""


class StoreNotConformantError(PermanentError):
    """The store broke a promise that Pressline stands on; the text says which, and what to do."""


class UnknownSiteError(PermanentError):
    """No site of that name is configured."""


class UnknownFeedError(PermanentError):
    """The site configures no feed of that name."""


class AddressTakenError(PermanentError):
    """Another article's page is at this path: two articles were given the same slug, section, day and id prefix."""
