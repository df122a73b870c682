"""The crowd's readers as users of Locust, for a staging system that takes more than one machine."""
