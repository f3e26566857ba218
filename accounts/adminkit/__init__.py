"""What every app's admin is made of: rights, audited acts, refusals in the reader's language, exact numbers, exports.
Used by the admin modules of the apps and of the composition root."""
