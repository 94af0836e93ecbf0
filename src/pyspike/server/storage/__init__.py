"""Where records are kept: the store of a cluster, its namespaces, their records."""
