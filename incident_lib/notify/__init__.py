"""Who is told, how loudly, and the sending itself: only what a person confirmed leaves this machine."""
