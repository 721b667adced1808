"""The services: none imports another; what they share lives in `shared`."""
