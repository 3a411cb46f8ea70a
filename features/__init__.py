"""What did we know on that day? Contract, sources, history, catalogue, compiler and evaluator."""
