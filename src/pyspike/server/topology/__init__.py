"""The nodes of a cluster.

state.py is what they know; node.py, connection.py and fault_settings.py are one running node; membership.py
lets nodes join and leave, and partitions.py distributes the partitions among them.
"""
