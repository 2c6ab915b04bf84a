"""What the pages ask, a module a page. A test holds each question against the contract of its table."""
