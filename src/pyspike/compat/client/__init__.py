"""The client of the official package, which passes its calls on to pyspike's own."""
