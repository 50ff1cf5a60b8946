"""The only place that writes files and starts tools: one module per tool."""
