"""One module a driver: bounded, named, read-only by default. Drivers are imported when a session opens."""
