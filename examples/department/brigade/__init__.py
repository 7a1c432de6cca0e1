"""A fire brigade's own small graph: its engines, and where it sent them."""
