"""The JSON API: one module per subject, the shapes that it answers, its files."""
