"""The outer loop learns a rule that all synapses share: few numbers that set many.

vsml     one small LSTM at every synapse; the delta rule is another setting of the synapse
blur     neurons and synapses of several states, mixed by one genome; backpropagation is a genome
symla    the same cells for every arm of a bandit: a symmetric learner that acts
ratio    how many numbers the outer loop sets, and how many the inner loop
"""
