"""The history: changes between two syncs or snapshots, syncs, the trend."""
