"""spark-submit jobs/refresh.py [TABLE...] --env local [--from DAY --to DAY]"""

from pipelines.cli.refresh import main

main()
