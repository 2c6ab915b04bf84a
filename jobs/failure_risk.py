"""spark-submit jobs/failure_risk.py [train|score] --env local [--days 120] [--step 3] [--as-of …]"""

from pipelines.cli.failure_risk import main

main()
