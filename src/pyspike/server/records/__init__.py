"""Commands on one record (commands.py), and the ops of a request (operations.py, ops/)."""
