"""The life of the registered models: trained, compared, promoted, judged, and what operators say of what they found."""
