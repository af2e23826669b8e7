"""The outer loop learns a memory: what to keep of the examples, and how to answer from it."""
