"""Labour: firms, their people, and what they register, pay and file."""
