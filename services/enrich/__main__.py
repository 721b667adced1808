"""Runs an enrich worker: `python -m services.enrich`; `run-step STEP` runs one step by hand."""

import sys

from services.enrich import wiring
from services.enrich.tasks import app
from shared.runtime.celery_app import run_worker
from shared.runtime.step_events import RUN_STEP

if __name__ == "__main__":
    if sys.argv[1:2] == [RUN_STEP]:
        sys.exit(wiring.step_runner().main(sys.argv[2:]))
    run_worker(app, "enrich", wiring.settings(), build=wiring.build)
