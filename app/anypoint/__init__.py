"""MuleSoft's side: what Anypoint holds, read only, translated to the core's words."""
