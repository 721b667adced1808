"""The `pressline` command line: reads state and emits messages, never does a worker's job."""
