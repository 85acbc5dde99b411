"""What depends on the machine: threads, devices, memory, and descriptions of it."""
