"""One file per step of the schema, each from its own DDL; steps go forward only."""
