"""Stand-ins for Anypoint and Confluence: the product on one laptop. Nothing here knows the app."""
