"""Who may do what: users, roles, sessions, quotas, and the security messages that administrate them.

Start in state.py: what a cluster, a node and a connection remember. settings.py is what users of an embedded
cluster say at first; accounts.py has users and roles, privileges.py what roles permit, allowlists.py from
where; tokens.py has sessions, usage.py counts against quotas. answering.py answers security messages, by
login.py and administration.py; checks.py lets requests pass that are no security messages.

It knows no sockets and no records: whoever asks brings the connection's `Caller`, and the time.
"""
