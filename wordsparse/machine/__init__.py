"""The machine: threads, devices, memory."""
