"""Exercises: one module a lesson; their checks are experiments on what the learner wrote."""
