"""A site's configuration, its listings and their memberships, and the keys of both buckets."""
