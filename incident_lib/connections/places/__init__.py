"""Where something is looked at from: this machine, a container."""
