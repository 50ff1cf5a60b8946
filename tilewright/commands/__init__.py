"""The verbs of the command. Each takes the parsed options and returns an `Outcome`; none prints."""
