"""A host against its siblings, minute by minute."""
