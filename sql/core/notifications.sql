-- What became of each message of an alert: every event of the outbox.
-- `event`: intended, sent, failed, given_up, acknowledged.
-- grain: notification_id, event, attempt
CREATE VIEW notifications AS
SELECT notification_id, alert_id, channel, event, attempt, detail, occurred_at, known_at
FROM lake.notifications
WHERE superseded_at IS NULL;
