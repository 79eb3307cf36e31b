"""The Connect door: descriptor, lifecycle, tokens and install keys."""
