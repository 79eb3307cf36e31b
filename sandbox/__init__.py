"""The product on one laptop: stand-ins for Confluence and Anypoint, and the demo that joins them."""
