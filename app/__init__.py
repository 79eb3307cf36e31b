"""Plumbline: is every MuleSoft API protected the same way in every environment?"""
