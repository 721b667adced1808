"""Adapters of the command line: the endpoint, the files of an import, a service's process."""
