"""The drilldown: one API side by side, its findings and its sections."""
