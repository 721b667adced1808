"""What crosses a border between services: messages, the map, the article, keys, ports. No business rules."""
