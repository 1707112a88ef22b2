-- Messages, or single candles of one, that could not be used: the original bytes and the reason.
-- grain: dead_letter_id
CREATE VIEW dead_letters AS
SELECT dead_letter_id, topic, topic_partition, message_offset, message_index, reason, detail, payload, received_at, known_at
FROM lake.dead_letters
WHERE superseded_at IS NULL;
