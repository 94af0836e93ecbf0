"""The nodes of a cluster: partitions, membership, connections, faults."""
