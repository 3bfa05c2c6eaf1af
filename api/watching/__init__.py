"""What programs that watch the portal ask: Prometheus metrics, and whether it is well."""
