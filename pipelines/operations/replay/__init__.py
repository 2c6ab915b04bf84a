"""Silver of a range of arrival, made anew from bronze and put in place of what is there."""
