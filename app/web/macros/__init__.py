"""The macros on pages, their editor, and their static form."""
