"""Runs a render worker: `python -m services.render`; `run-step STEP` runs one step by hand."""

import sys

from services.render import wiring
from services.render.tasks import app
from shared.runtime.celery_app import run_worker
from shared.runtime.step_events import RUN_STEP

if __name__ == "__main__":
    if sys.argv[1:2] == [RUN_STEP]:
        sys.exit(wiring.step_runner().main(sys.argv[2:]))
    run_worker(app, "render", wiring.settings(), build=wiring.build)
