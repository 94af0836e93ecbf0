"""Stands for the package `testcontainers`: its containers are embedded servers."""
