"""Queries: secondary indexes, streams of records, and jobs in the background.

keys.py tells which values of a record an index has, and indexes.py creates, builds, drops and finds indexes.
"""
