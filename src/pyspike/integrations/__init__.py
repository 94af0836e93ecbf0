"""Aerospike as a source and a sink of engines that spread work over processes and machines.

    place       where a cluster is, as it may be sent elsewhere; a client of it for each process
    selection   which records, and in which columns; reading and writing them by ranges of partitions
    comparing   what engines compare columns with, as filter expressions and index filters
    dask        frames of Dask
    ray         data sets of Ray
    polars      lazy frames of polars

Spark finds its own module by itself: `pyspark_aerospike`. Nothing here is imported by the client.
"""
