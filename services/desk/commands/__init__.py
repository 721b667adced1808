"""One module a command; `rebuild`, `replay`, `dead-dead_letters`, `verify` and `why` have their room here."""
