"""One program per framework, each run by the comparison in an environment of its own."""
