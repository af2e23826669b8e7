"""The outer loop learns a start: the parameters from which a few gradient steps go furthest."""
