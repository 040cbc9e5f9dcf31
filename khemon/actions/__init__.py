"""What a person does. Every function takes the Actor and writes the audit row in the same transaction."""
