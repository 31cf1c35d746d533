"""Steps: what can be done to one image, each a small frozen dataclass that is called with it."""
