"""Code that depends on the machine: threads, devices, memory, and descriptions of the machine."""
