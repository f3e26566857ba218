"""HTTP plumbing every app shares: the envelope, exact JSON, errors, authentication, async endpoints.
Called by the api/ packages of every app and by the middleware list of the settings."""
