"""Agents: learners whose examples are what they did and what came back."""
