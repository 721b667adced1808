"""The scenes of the sample pictures: shapes, light and a little grain, from fixed seeds."""
