"""The embedded history server: Galaxy's REST API for histories, datasets and jobs."""
