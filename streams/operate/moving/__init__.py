"""`txpush move`: everything that must live on goes to a cluster with another number of partitions."""
