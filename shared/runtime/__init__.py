"""The platform of every process: settings, Celery, Redis, logs, metrics, retries, receipts and dead letters."""
