"""What a restored backup doesn't know: told, put right, and looked for at Wix."""
