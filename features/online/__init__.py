"""Online: features of one unit from its stored rows or from a history sent, and the rows behind them."""
