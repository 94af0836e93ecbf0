"""Where a cluster runs, and what can be asked of it from outside its loop."""
