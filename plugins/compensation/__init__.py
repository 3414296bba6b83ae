"""What a customer is owed after a bad answer: plugins that find claims."""
