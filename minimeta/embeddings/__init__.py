"""The outer loop learns a metric: where examples of one class lie close together."""
