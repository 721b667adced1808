"""A bare FastAPI route with the PUTs of an accepted article, for `--accept`: `python -m tests.bench.bare_route PORT`.

The route reads the body, puts bytes, journal marker and revision as the endpoint does (two in parallel, then a
conditional one), and answers 202. It checks, reads and emits nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import anyio.to_thread
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.ingest.settings import IngestSettings
from shared.model.lane import Lane
from shared.site import keys
from shared.storage.s3 import S3ObjectStorage

_SITE, _REVISION = "bench", "20261122T090000000000Z-0000000000-000"


def create_app(settings: IngestSettings) -> FastAPI:
    """Return the application."""
    app, content = FastAPI(), S3ObjectStorage(settings, settings.content_bucket)
    executor = ThreadPoolExecutor(settings.api_threads)

    def put_three(raw: bytes) -> str:
        now, article = datetime.now(UTC), uuid4().hex
        key = keys.raw_key(_SITE, now, hashlib.sha256(raw).hexdigest())
        marker = keys.journal_key(_SITE, now, article, _REVISION, Lane.LIVE)
        puts = [
            executor.submit(content.put, key, raw, content_type="application/octet-stream"),
            executor.submit(content.put, marker, b"", content_type="text/plain"),
        ]
        for put in puts:
            put.result()
        content.put(keys.revision_key(_SITE, article, _REVISION), raw, unless_exists=True)
        return article

    @app.post("/articles")
    async def post_article(request: Request) -> JSONResponse:
        raw = await request.body()
        json.loads(raw)
        return JSONResponse({"article": await anyio.to_thread.run_sync(put_three, raw)}, 202)

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(IngestSettings()), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False
    )
