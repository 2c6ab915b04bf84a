"""Files that a person has (cost exports, logs from a bucket) as Kafka values that the streams take."""
