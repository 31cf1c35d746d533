"""Pictures of results: contact sheets."""
