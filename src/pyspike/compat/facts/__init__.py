"""What is known of the official client: its constants, and the names of its arguments. A leaf: no code."""
