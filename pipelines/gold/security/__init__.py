"""Who did what that bears on security: the audit records of all clouds and hosts, judged by rules that are data."""
