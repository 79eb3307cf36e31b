"""Everything kept: each SQL statement, encryption, the embedded Postgres."""
