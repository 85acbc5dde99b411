"""What this machine has: threads, devices, memory."""
