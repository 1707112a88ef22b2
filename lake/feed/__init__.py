"""What travels through Kafka: topics, messages, and what becomes of those that cannot be used."""
