"""spark-submit jobs/check.py --env local [--window '1 day'] [--since …] [--until …] [--table …]"""

from pipelines.cli.check import main

main()
