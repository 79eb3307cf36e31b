"""The Forge door: the same product for sites that install a Forge app."""
