"""One module a command; `rebuild`, `replay`, `dead-letters`, `verify` and `why` have their room here."""
