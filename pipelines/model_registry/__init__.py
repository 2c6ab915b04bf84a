"""MLflow's registry as every model of this project uses it."""
