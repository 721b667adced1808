"""Runs a render worker: `python -m services.render`."""

from services.render import wiring
from services.render.tasks import app
from shared.celery_app import run_worker

if __name__ == "__main__":
    run_worker(app, "render", wiring.settings(), build=wiring.build)
