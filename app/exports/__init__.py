"""Posture as text that leaves the building: tables for spreadsheets, documents for readers."""
