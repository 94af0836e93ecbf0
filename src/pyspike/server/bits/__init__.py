"""Bit operations on blobs."""
