"""MuleSoft's side: client, sign-in, payloads and their translation into the core's words."""
