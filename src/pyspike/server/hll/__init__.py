"""HyperLogLog sketches and the operations on them."""
