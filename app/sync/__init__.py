"""Collecting, publishing and the queue's tasks."""
