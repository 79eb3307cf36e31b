"""The settings of a space and its audit log, as pages show them."""
