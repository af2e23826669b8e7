"""The outer loop learns an update: how slopes become steps."""
