"""The upgrade of a home that an earlier version left: what would change, a backup of it, and the change, whole or not at all."""
