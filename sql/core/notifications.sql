-- What became of each message of an alert: every event of the outbox.
-- `event`: intended, sent, failed, interrupted (the sender died, it may have arrived), given_up,
-- skipped (within a cooldown), withdrawn (by a correction), acknowledged (channel '' where a person saw
-- the alert itself).
-- grain: notification_id, event, attempt
CREATE VIEW notifications AS
SELECT notification_id, alert_id, channel, event, attempt, detail, occurred_at, known_at
FROM lake.notifications
WHERE superseded_at IS NULL;
