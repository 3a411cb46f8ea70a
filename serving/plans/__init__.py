"""The week's plan in the ledger: what it rests on and whom it lists, one standing plan a week."""
