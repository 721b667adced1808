"""A stand-in for the CDN, for one machine: serves the public bucket as Varnish does, and takes the same purge calls.

It has index documents, 301 and 410 from metadata, ESI, and a cache with surrogate keys. It is no CDN: it has one
process, one cache in memory, no TLS and no ranges. Every answer has the header `x-pressline-edge: stand-in`.
"""
