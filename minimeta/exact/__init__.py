"""Closed forms: what an ideal learner would know or do, computed exactly."""
