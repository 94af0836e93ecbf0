"""What the official client's arguments become of pyspike's, and pyspike's results of the official ones."""
