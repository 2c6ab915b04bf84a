"""spark-submit jobs/replay.py --env local --from TIME --to TIME [--topic TOPIC] [--table TABLE] [--dry-run]"""

from pipelines.cli.replay import main

main()
