"""A stand-in for the CDN, for one machine: serves the public bucket as Varnish would, and takes the same purge calls.

It shows what readers get (index documents, 301 and 410 from metadata, ESI, a cache with surrogate keys); it is no CDN:
one process, one cache in memory, no TLS, no ranges. Every answer says so in `x-pressline-edge: stand-in`.
"""
