"""spark-submit jobs/maintain.py [TABLE...] --env local [--only compact,vacuum,...]"""

from pipelines.cli.maintain import main

main()
