"""The outer loop learns an update: how gradients become steps."""
