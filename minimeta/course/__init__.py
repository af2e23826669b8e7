"""Runs the lessons."""
