"""What a program uses of the official client: found in its sources, with what to write instead."""
