"""spark-submit jobs/score.py --env local [--trigger continuous|available-now]"""

from pipelines.cli.run import main
from pipelines.operations.run import Job

main(Job.SCORE)
