"""Entry points of ingest: `python -m services.ingest endpoint`, `worker`, `run-step` or `formats`."""

from __future__ import annotations

import sys

from services.ingest import wiring
from services.ingest.domain.states import ReceiptState


def run_endpoint() -> None:
    """Serve the HTTP endpoint until a signal stops it."""
    from services.ingest.endpoint import EndpointDeps, create_app  # noqa: PLC0415 -- the worker needs no web server
    from services.ingest.endpoint.connection import serve  # noqa: PLC0415
    from services.ingest.endpoint.deps import Threads  # noqa: PLC0415
    from shared.runtime.observability import configure_logging  # noqa: PLC0415
    from shared.storage.conformance import require_conformant_store  # noqa: PLC0415

    settings = wiring.settings()
    configure_logging(settings.log_level, settings.log_format, service="endpoint")
    require_conformant_store(settings)

    async def find(receipt: str) -> ReceiptState | None:
        return await threads.run(wiring.awaited_receipt_state, receipt)

    deps = EndpointDeps(
        settings=settings,
        sites=wiring.sites(),
        formats=wiring.formats(),
        find_token=wiring.tokens().find,
        admit=wiring.admit_lane,
        accept=wiring.accept_bytes,
        dry_run=wiring.dry_run_bytes,
        submit=wiring.submit_bytes,
        submit_lines=wiring.submit_lines,
        act=wiring.act_on_article,
        fronts=wiring.fronts(),
        store_picture=wiring.store_uploaded_picture,
        find_feed_secrets=wiring.feed_secrets().find,
        store_asset=wiring.store_uploaded_asset,
        find_asset=wiring.find_stored_asset,
        wait=wiring.waiter(find).wait,
        receipt=wiring.receipt_state,
        article=wiring.article_state,
        why=wiring.reasons,
        rate_limits=wiring.rate_limits(),
        kept_answers=wiring.kept_answers(),
        events=wiring.event_streams(),
        hub_subscriptions=wiring.hub_subscriptions(),
        ready=wiring.faults,
        delays=wiring.delays,
        clock=wiring.now,
    )
    wiring.endpoint_deps()  # built before the first article arrives
    app = create_app(deps)
    threads: Threads = app.state.threads
    serve(app, settings.api_host, settings.api_port, before_stop=wiring.event_streams().close)


def run_worker() -> None:
    """Run the worker that reads submissions."""
    from services.ingest.tasks import app  # noqa: PLC0415 -- the endpoint runs no tasks
    from shared.runtime import celery_app  # noqa: PLC0415

    celery_app.run_worker(app, "ingest", wiring.settings())


def run_step() -> None:
    """Run one step on the event on stdin, for `pressline run`."""
    sys.exit(wiring.step_runner().main(sys.argv[2:]))


def print_formats() -> None:
    """Print the documentation of the supported formats, in Markdown."""
    from services.ingest.endpoint.formats_page import formats_page  # noqa: PLC0415 -- the others need no documentation

    sys.stdout.write(formats_page(wiring.formats()))


ENTRYPOINTS = {"endpoint": run_endpoint, "worker": run_worker, "run-step": run_step, "formats": print_formats}

if __name__ == "__main__":
    entrypoint = ENTRYPOINTS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if entrypoint is None:
        sys.exit("usage: python -m services.ingest endpoint|worker|run-step|formats")
    entrypoint()
