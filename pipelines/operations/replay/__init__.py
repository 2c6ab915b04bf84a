"""Silver of a range of arrival, and the rollup of it, made anew from bronze and put in place of what is there."""
