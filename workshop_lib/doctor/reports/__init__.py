"""The same diagnoses for people in a terminal and in a browser, for programs and for CI."""
