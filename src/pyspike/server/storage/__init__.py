"""Where records are kept: the store, its namespaces, their records."""
