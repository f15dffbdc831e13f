"""Many specs: which there are, where they run, and what becomes of each."""
