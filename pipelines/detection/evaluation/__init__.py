"""Detectors against histories of one's own: scored by the code of the stream, drawn, and judged where labelled."""
