"""Where a cluster runs, and the requests by which it is controlled from outside its event loop."""
