"""Clients of servers outside, and leases in Redis."""
