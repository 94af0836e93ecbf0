"""What programs hold: exceptions and values, as the official client has them."""
