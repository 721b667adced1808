"""Re-emits lost events, emits due events and stale pages, restores the index, verifies the public bucket."""
