"""Takes the clock; emits whatever was lost, is due or stays stale."""
