"""The doctor: examines any streaming endpoint, our LLM upstream of it and our readers behind it.

An experiment of a lesson lasts for its seconds. An examination uses the same stations, and each of
its probes lasts until the counters say something.
"""
