"""Users of the venue.
Called by Django's authentication and by accounts/services.py."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or program that can log in."""
