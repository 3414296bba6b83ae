"""What is changed in a request before it goes upstream."""
