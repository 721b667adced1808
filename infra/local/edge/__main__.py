"""Runs the local edge until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio

import httpx
import structlog
import uvicorn

from infra.local.edge.settings import EdgeSettings
from infra.local.edge.sites import edge_of

_SHUTDOWN_GRACE_SECONDS = 3
_ORIGIN_TIMEOUT_SECONDS = 5.0


def main() -> None:
    """Serve requests."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )
    asyncio.run(_serve(EdgeSettings()))


async def _serve(settings: EdgeSettings) -> None:
    timeout = httpx.Timeout(_ORIGIN_TIMEOUT_SECONDS)
    headers = {"accept-encoding": "identity"}
    async with httpx.AsyncClient(timeout=timeout, headers=headers, trust_env=False) as client:
        config = uvicorn.Config(
            edge_of(settings, client),
            host=settings.edge_host,
            port=settings.edge_port,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # a purge is allowed by the address of its connection
            h11_max_incomplete_event_size=256 * 1024,  # a purge names many keys
            timeout_graceful_shutdown=_SHUTDOWN_GRACE_SECONDS,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    main()
