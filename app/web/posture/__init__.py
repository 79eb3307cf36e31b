"""The posture tab: what it reads, its filters, its table, a sync that is under way."""
