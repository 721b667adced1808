"""The store's errors in plain words: the condition, the setting concerned, the next step."""

from __future__ import annotations

import re

from shared.runtime.settings import ServiceSettings

_KEYS = "PRESSLINE_S3_ACCESS_KEY and PRESSLINE_S3_SECRET_KEY"
_REFUSED_KEYS = "{where} refuses the keys ({code}) for {named}. Correct " + _KEYS
_OTHER_REGION = "{where} has {named} in another region. Correct PRESSLINE_S3_REGION or PRESSLINE_S3_ENDPOINT"
_NO_KEYS = "no keys were found for {named}. Set " + _KEYS + ", or give the machine a role"
_DENIED = (
    "{where} denies access to {named} (AccessDenied). Allow the keys of PRESSLINE_S3_ACCESS_KEY to list the bucket and "
    "to read, write and delete its objects, or correct the setting"
)
_SILENT = "{where} does not answer for {named}. Start it, or correct PRESSLINE_S3_ENDPOINT ({text})"
_OTHER = "{where} cannot serve a call now for {named}: {text}"

_BAD_NAME = (
    "{named} is not a valid bucket name (InvalidBucketName). Correct the setting: 3 to 63 lower-case letters, digits, "
    "dots and hyphens"
)

# Part of the store's code or the client's text -> the sentence. The first match counts.
_SENTENCES = {
    **dict.fromkeys(("InvalidBucketName", "Invalid bucket name"), _BAD_NAME),
    "NoSuchBucket": "{where} has no bucket of this name (NoSuchBucket): {named}. Create it with `pressline stack "
    "prepare`, or correct the setting",
    "RequestTimeTooSkewed": "{where} refuses this machine's time ({code}) for {named}. Set the clock",
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"), _REFUSED_KEYS),
    **dict.fromkeys(("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"), _OTHER_REGION),
    **dict.fromkeys(("authentication credentials", "locate credentials", "Partial credentials"), _NO_KEYS),
    **dict.fromkeys(("AccessDenied", "necessary privileges", "403"), _DENIED),
    **dict.fromkeys(
        ("error sending request", "connect to the endpoint", "onnection", "timed out", "imeout on", "resolve"), _SILENT
    ),
}
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CODE = re.compile(r"<Code>(\w+)</Code>")


def store_fault(settings: ServiceSettings, bucket: str, text: str) -> str:
    """Return an error of the store in plain words: the condition, the setting concerned and the next step.

    `text` is the store's error code or its client's text (codes: S3 API reference, error responses).
    """
    if not _BUCKET_NAME.fullmatch(bucket):
        text = "InvalidBucketName"
    found = _CODE.search(text)
    text = found[1] if found else text
    # A port may contain the digits of a code.
    code = next((each for each in _SENTENCES if re.search(rf"(?<!\d){each}(?!\d)", text)), "")
    return _SENTENCES.get(code, _OTHER).format(
        where=f"the store at {settings.s3_endpoint}" if settings.s3_endpoint else f"AWS S3 in {settings.s3_region}",
        named=_named(settings, bucket),
        code=code,
        text=" ".join(text.split())[:300],
    )


def no_bucket(settings: ServiceSettings, bucket: str) -> str:
    """Return in plain words that the bucket is missing, with the next step."""
    return store_fault(settings, bucket, "NoSuchBucket")


def _named(settings: ServiceSettings, bucket: str) -> str:
    """Return the setting that names a bucket, with its value."""
    if bucket == settings.content_bucket:
        return f"PRESSLINE_CONTENT_BUCKET={bucket}"
    if bucket == settings.public_bucket:
        return f"PRESSLINE_PUBLIC_BUCKET={bucket}"
    return f"bucket {bucket} (named by a site's configuration or on the command line)"
