"""Servers written from the vendors' documentation alone, and the adapters held against them.

The one rule: they share nothing with the simulators of the sandbox, so that the two can disagree.
"""
