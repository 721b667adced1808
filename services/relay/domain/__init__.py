"""Pure rules: signatures, verdicts, addresses that may be called."""
