-- "Today" on a page: the last session that the data has.
-- grain: one row
-- reads: bars
CREATE VIEW last_session AS
SELECT max(session) AS session FROM bars;
