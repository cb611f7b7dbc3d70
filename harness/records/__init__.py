"""Every record that leaves the process."""
