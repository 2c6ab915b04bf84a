"""How resources differ from the baseline of conf/baseline.yaml, who made it so, and how well each control is kept."""
