-- Every version of every rule that raised alerts: how it was written, and the parameters of its columns (JSON).
-- grain: rule, rule_version
CREATE VIEW rule_versions AS
SELECT rule, rule_version, definition, columns, known_at
FROM lake.rule_versions
WHERE superseded_at IS NULL;
