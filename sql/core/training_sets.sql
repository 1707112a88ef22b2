-- Training sets that were built, with their manifest as JSON.
-- grain: training_set_id
CREATE VIEW training_sets AS
SELECT * FROM lake.training_sets;
