"""What administrators expect and accept, as the settings show it."""
