"""A shop's profile: one strict YAML file, its Structs, and every problem it can have."""
