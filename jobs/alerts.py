"""spark-submit jobs/alerts.py --env local [--trigger continuous|available-now]"""

from pipelines.cli.alerts import main

main()
