"""The messages between services, the pipeline table and the bundle of rendered pages."""
