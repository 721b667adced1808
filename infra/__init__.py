"""Infrastructure: the embedded stack, containers, the edge, sites, samples, decisions."""
