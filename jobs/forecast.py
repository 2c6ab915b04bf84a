"""spark-submit jobs/forecast.py --env local [capacity|spot|all] [--as-of …]"""

from pipelines.cli.forecast import main

main()
