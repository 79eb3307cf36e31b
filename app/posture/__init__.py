"""The core: normalise → line up → compare → assess. Pure; standard library only."""
