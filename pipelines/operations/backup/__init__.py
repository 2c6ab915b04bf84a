"""A copy of a lakehouse from which it can be put back: tables, checkpoints and models, that fit each other."""
