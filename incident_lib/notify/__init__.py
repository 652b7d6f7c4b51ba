"""Who is notified, how loudly, and the sending itself: only what a person confirmed leaves this machine."""
