"""Calls back to the site: what may this person do in this space?"""
