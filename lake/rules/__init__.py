"""The rule language of conf/rules.yaml and its one evaluator on arrays."""
