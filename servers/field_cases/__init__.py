"""Servers of lesson 11: each file has one that an incident is about, and the repaired one.

Run one alone, broken or repaired: python -m servers.field_cases.late_heartbeats repaired
"""
