"""The local stack behind `make up`: MongoDB and Airflow under one process manager."""
