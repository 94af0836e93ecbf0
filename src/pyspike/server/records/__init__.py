"""Commands on one record, and the ops of a request."""
