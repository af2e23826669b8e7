"""The outer loop learns a memory: what to store of the examples, and how to answer from it."""
