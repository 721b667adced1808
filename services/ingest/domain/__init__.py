"""Rules of accepting, without I/O."""
