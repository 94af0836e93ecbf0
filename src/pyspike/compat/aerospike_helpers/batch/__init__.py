"""What batches take and give."""
