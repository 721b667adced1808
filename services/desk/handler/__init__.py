"""The logic of the longer commands; `commands` parses options and prints."""
