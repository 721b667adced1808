"""How Pressline is run: the embedded stack, containers, the edge, sites, samples, decisions."""
