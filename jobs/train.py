"""spark-submit jobs/train.py --env local [--window '14 days'] [--exclude FROM..TO] [--seed 0] [--if-due]"""

from pipelines.cli.train import main

main()
