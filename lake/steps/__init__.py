"""The verbs that DAG tasks, agents and the command line call."""
