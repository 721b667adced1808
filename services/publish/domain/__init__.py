"""Rules of publishing, without I/O."""
