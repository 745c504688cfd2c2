"""Makes the checkout the start of another application: the edits, their places, and the tree that holds them."""
