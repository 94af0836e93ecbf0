"""Aerospike in the places where frameworks have a cache, a store or a counter plugged in.

    location        where records are: a URL, which names the cluster, the namespace and the set
    steps           what is asked of a cluster, told once for threads and for tasks
    clients         a set of records, and a client of its cluster for threads and one for tasks
    rows            many records at once, or a few, in the way that costs least
    lifetime        how long a record lives, in whole seconds
    cached_values   a value a record, as caches have them
    rate_windows    hits in windows of time, a record for each who hits
    django          cache of Django
    cachelib        cache for cachelib, and so for Flask-Caching and Flask-Session
    dogpile         backend of dogpile.cache
    celery          results of Celery's tasks
    limits          counters of limits, and so of Flask-Limiter and slowapi
    langgraph       checkpointer and store of LangGraph
    langchain       store of bytes and cache of LangChain
    feast           online store of Feast

Each of the last needs the package it is for. Nothing here is imported by the client.
"""
