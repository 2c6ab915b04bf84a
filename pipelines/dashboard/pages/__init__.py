"""The pages: each a function of an address and the answers to its questions."""
