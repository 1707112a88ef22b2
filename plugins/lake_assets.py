"""What the DAGs make, by name: a DAG runs when what it needs is new."""

from airflow.sdk import Asset

DAILY_BARS = Asset("daily_bars")
INTRADAY_BARS = Asset("intraday_bars")
LONGER_BARS = Asset("longer_bars")
FEATURES = Asset("features")
LEVELS = Asset("levels")
ALERTS = Asset("alerts")
SANDBOX_RESULTS = Asset("sandbox_results")
TRAINING_SETS = Asset("training_sets")
